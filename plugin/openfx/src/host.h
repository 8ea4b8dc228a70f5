// The host: its suites and what it says of itself. Set once, when the host loads the plug-in.
#pragma once

#include <string>

#include "ofx.h"

namespace void_ofx {

struct Host {
  OfxHost* given = nullptr;
  const OfxPropertySuiteV1* properties = nullptr;
  const OfxImageEffectSuiteV1* effects = nullptr;
  const OfxParameterSuiteV1* params = nullptr;
  // These may be missing; the first also where it has no persistent messages.
  const OfxMessageSuiteV2* messages = nullptr;
  const OfxProgressSuiteV1* progress_v1 = nullptr;
  const OfxProgressSuiteV2* progress_v2 = nullptr;

  std::string name;
  std::string version;
  bool is_background = false;
  bool supports_overlays = false;

  // Whether a person moves a pointer over viewers, and the effect may be told.
  bool has_overlays() const { return supports_overlays && !is_background; }

  // Resolve and Fusion show unconnected inputs as connected black ones.
  bool shows_phantom_inputs() const;
};

Host& host();

// Fetches the suites. Answers kOfxStatErrMissingHostFeature where one is missing that nothing works without.
OfxStatus fetch_suites();

}  // namespace void_ofx
