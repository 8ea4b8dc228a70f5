// What an artist does with the effect: buttons and choices.
#pragma once

#include "instance.h"
#include "properties.h"

namespace void_ofx {

OfxStatus instance_changed(Instance& instance, const Properties& arguments);

}  // namespace void_ofx
