// Remove: hands plate and mattes of the frames over and starts the removal.
#pragma once

#include "instance.h"

namespace void_ofx {

// To be called in InstanceChanged by the user. What goes wrong is told in the status; the plate stays.
void remove(Instance& instance, OfxTime time);

}  // namespace void_ofx
