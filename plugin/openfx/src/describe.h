// What the host is told of the effect before there is an instance of it.
#pragma once

#include "ofx.h"

namespace void_ofx {

OfxStatus describe(OfxImageEffectHandle descriptor);
OfxStatus describe_in_context(OfxImageEffectHandle descriptor);

}  // namespace void_ofx
