// The release this was built from; the build gives it.
#pragma once

#ifndef VOID_VERSION
#error "compile with -DVOID_VERSION=\"0.0.0\", as the installer does"
#endif

namespace void_ofx {

constexpr const char* kVersionText = VOID_VERSION;

}  // namespace void_ofx
