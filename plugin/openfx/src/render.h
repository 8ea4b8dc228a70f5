// The actions about pictures. None of them waits for the server, sets a parameter or calls the host elsewhere.
#pragma once

#include "instance.h"
#include "properties.h"

namespace void_ofx {

OfxStatus render(Instance& instance, const Properties& arguments);
OfxStatus is_identity(const Instance& instance, const Properties& arguments, const Properties& answers);
OfxStatus region_of_definition(const Instance& instance, const Properties& arguments, const Properties& answers);
OfxStatus clip_preferences(const Instance& instance, const Properties& answers);

}  // namespace void_ofx
