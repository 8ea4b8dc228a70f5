// What the host calls. Nothing that goes wrong here leaves as an exception.

#include <cstring>
#include <exception>
#include <new>
#include <string>

#include "bridge.h"
#include "changed.h"
#include "describe.h"
#include "host.h"
#include "instance.h"
#include "names.h"
#include "ofx.h"
#include "properties.h"
#include "render.h"

namespace void_ofx {

namespace {

OfxStatus create(OfxImageEffectHandle effect) {
  OfxPropertySetHandle properties = nullptr;
  const OfxStatus status = host().effects->getPropertySet(effect, &properties);
  if (status != kOfxStatOK) return status;
  Properties(properties).set(kOfxPropInstanceData, static_cast<void*>(new Instance(effect)));
  return kOfxStatOK;
}

OfxStatus destroy(OfxImageEffectHandle effect) {
  delete Instance::of(effect);
  OfxPropertySetHandle properties = nullptr;
  if (host().effects->getPropertySet(effect, &properties) == kOfxStatOK)
    Properties(properties).set(kOfxPropInstanceData, static_cast<void*>(nullptr));
  return kOfxStatOK;
}

OfxStatus act(const std::string& action, OfxImageEffectHandle effect, const Properties& arguments,
              const Properties& answers) {
  if (action == kOfxActionLoad) return fetch_suites();
  if (action == kOfxActionUnload) {
    Bridge::of_this_process().stop();
    return kOfxStatOK;
  }
  if (host().effects == nullptr) return kOfxStatErrMissingHostFeature;
  if (action == kOfxActionDescribe) return describe(effect);
  if (action == kOfxImageEffectActionDescribeInContext) return describe_in_context(effect);
  if (action == kOfxActionCreateInstance) return create(effect);
  if (action == kOfxActionDestroyInstance) return destroy(effect);

  const bool is_ours = action == kOfxImageEffectActionRender || action == kOfxImageEffectActionIsIdentity ||
                       action == kOfxImageEffectActionGetRegionOfDefinition ||
                       action == kOfxImageEffectActionGetClipPreferences || action == kOfxActionInstanceChanged;
  if (!is_ours) return kOfxStatReplyDefault;
  Instance* const instance = Instance::of(effect);
  if (instance == nullptr) return kOfxStatErrBadHandle;
  if (action == kOfxImageEffectActionRender) return render(*instance, arguments);
  if (action == kOfxImageEffectActionIsIdentity) return is_identity(*instance, arguments, answers);
  if (action == kOfxImageEffectActionGetRegionOfDefinition)
    return region_of_definition(*instance, arguments, answers);
  if (action == kOfxImageEffectActionGetClipPreferences) return clip_preferences(*instance, answers);
  return instance_changed(*instance, arguments);
}

OfxStatus main_entry(const char* action, const void* handle, OfxPropertySetHandle in_args,
                     OfxPropertySetHandle out_args) {
  try {
    if (action == nullptr) return kOfxStatErrBadHandle;
    return act(action, static_cast<OfxImageEffectHandle>(const_cast<void*>(handle)), Properties(in_args),
               Properties(out_args));
  } catch (const std::bad_alloc&) {
    return kOfxStatErrMemory;
  } catch (const std::exception&) {
    return kOfxStatErrUnknown;
  } catch (...) {
    return kOfxStatErrUnknown;
  }
}

void set_host(OfxHost* given) { host().given = given; }

OfxPlugin the_plugin = {kOfxImageEffectPluginApi, 1, kPluginIdentifier, kPluginMajor, kPluginMinor, set_host,
                        main_entry};

}  // namespace

}  // namespace void_ofx

#ifdef _WIN32
#define VOID_EXPORT extern "C" __declspec(dllexport)
#else
#define VOID_EXPORT extern "C" __attribute__((visibility("default")))
#endif

VOID_EXPORT int OfxGetNumberOfPlugins() { return 1; }

VOID_EXPORT OfxPlugin* OfxGetPlugin(int nth) { return nth == 0 ? &void_ofx::the_plugin : nullptr; }
