// What happens while the pointer is over a viewer that shows the effect.
#pragma once

#include "ofx.h"

namespace void_ofx {

// What the host calls. Nothing is drawn and no event is kept from others: a moving pointer is an action in which
// parameters may be set, so what the bridge has said by itself is shown, and frames that have come are drawn.
OfxStatus interact_entry(const char* action, const void* handle, OfxPropertySetHandle in_args,
                         OfxPropertySetHandle out_args);

}  // namespace void_ofx
