// Remove and Propose: both hand plate and mattes of the frames over and start what then runs behind.
#pragma once

#include "instance.h"

namespace void_ofx {

// To be called in InstanceChanged by the user. What goes wrong is told in the status; the plate stays.
void remove(Instance& instance, OfxTime time);
void propose(Instance& instance, OfxTime time);

}  // namespace void_ofx
