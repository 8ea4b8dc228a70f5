#include "host.h"

#include "properties.h"

namespace void_ofx {

Host& host() {
  // Never destroyed: a host may call in while it ends.
  static Host* const the_host = new Host();
  return *the_host;
}

namespace {

template <typename Suite>
const Suite* fetch(const OfxHost& given, const char* name, int version) {
  return static_cast<const Suite*>(given.fetchSuite(given.host, name, version));
}

}  // namespace

OfxStatus fetch_suites() {
  Host& here = host();
  if (here.given == nullptr || here.given->fetchSuite == nullptr) return kOfxStatErrMissingHostFeature;
  const OfxHost& given = *here.given;
  here.properties = fetch<OfxPropertySuiteV1>(given, kOfxPropertySuite, 1);
  here.effects = fetch<OfxImageEffectSuiteV1>(given, kOfxImageEffectSuite, 1);
  here.params = fetch<OfxParameterSuiteV1>(given, kOfxParameterSuite, 1);
  if (here.properties == nullptr || here.effects == nullptr || here.params == nullptr)
    return kOfxStatErrMissingHostFeature;
  here.messages = fetch<OfxMessageSuiteV2>(given, kOfxMessageSuite, 2);
  if (here.messages != nullptr && (here.messages->setPersistentMessage == nullptr ||
                                   here.messages->clearPersistentMessage == nullptr))
    here.messages = nullptr;
  here.progress_v2 = fetch<OfxProgressSuiteV2>(given, kOfxProgressSuite, 2);
  if (here.progress_v2 == nullptr) here.progress_v1 = fetch<OfxProgressSuiteV1>(given, kOfxProgressSuite, 1);

  const Properties said(given.host);
  here.name = said.text(kOfxPropName);
  here.version = said.text(kOfxPropVersionLabel);
  here.supports_overlays = said.integer(kOfxImageEffectPropSupportsOverlays, 0) != 0;
  here.is_background = said.integer(kOfxImageEffectHostPropIsBackground, 0) != 0;
  return kOfxStatOK;
}

bool Host::shows_phantom_inputs() const {
  return name.find("Resolve") != std::string::npos || name.find("resolve") != std::string::npos ||
         name.find("Fusion") != std::string::npos || name.find("fusion") != std::string::npos;
}

}  // namespace void_ofx
