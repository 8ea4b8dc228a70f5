#include "instance.h"

#include "host.h"
#include "names.h"
#include "properties.h"

namespace void_ofx {

namespace {

// A message that says the same whether the host formats it with its arguments, as printf does, or without them, as
// Natron does, which shows nothing or rubbish for "%s".
std::string as_format(const std::string& text) {
  std::string format;
  for (const char letter : text) format.append(letter == '%' ? 2 : 1, letter);
  return format;
}

}  // namespace

Instance* Instance::of(OfxImageEffectHandle effect) {
  OfxPropertySetHandle properties = nullptr;
  if (effect == nullptr || host().effects->getPropertySet(effect, &properties) != kOfxStatOK) return nullptr;
  return static_cast<Instance*>(Properties(properties).pointer(kOfxPropInstanceData));
}

OfxParamHandle Instance::param(const char* name) const {
  OfxParamSetHandle params = nullptr;
  OfxParamHandle found = nullptr;
  if (host().effects->getParamSet(effect_, &params) != kOfxStatOK ||
      host().params->paramGetHandle(params, name, &found, nullptr) != kOfxStatOK)
    return nullptr;
  return found;
}

std::string Instance::text(const char* name, OfxTime time) const {
  const OfxParamHandle handle = param(name);
  char* value = nullptr;
  if (handle == nullptr || host().params->paramGetValueAtTime(handle, time, &value) != kOfxStatOK || value == nullptr)
    return {};
  return value;
}

int Instance::integer(const char* name, OfxTime time) const {
  const OfxParamHandle handle = param(name);
  int value = 0;
  if (handle == nullptr || host().params->paramGetValueAtTime(handle, time, &value) != kOfxStatOK)
    return static_cast<int>(param_row(name).start);
  return value;
}

double Instance::number(const char* name, OfxTime time) const {
  const OfxParamHandle handle = param(name);
  double value = 0;
  if (handle == nullptr || host().params->paramGetValueAtTime(handle, time, &value) != kOfxStatOK)
    return param_row(name).start;
  return value;
}

std::string Instance::choice(const char* name, OfxTime time) const {
  const std::vector<Option>& options = param_row(name).options;
  const int index = integer(name, time);
  const bool is_known = index >= 0 && index < static_cast<int>(options.size());
  return options[is_known ? static_cast<size_t>(index) : 0].value;
}

void Instance::set_text(const char* name, const std::string& value, OfxTime time) const {
  if (text(name, time) == value) return;
  if (const OfxParamHandle handle = param(name)) host().params->paramSetValue(handle, value.c_str());
}

void Instance::set_integer(const char* name, int value, OfxTime time) const {
  if (integer(name, time) == value) return;
  if (const OfxParamHandle handle = param(name)) host().params->paramSetValue(handle, value);
}

void Instance::show_message(const char* type, const std::string& text) {
  const Host& here = host();
  if (here.messages == nullptr) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (text == shown_message_) return;
  shown_message_ = text;
  if (text.empty())
    here.messages->clearPersistentMessage(effect_);
  else
    here.messages->setPersistentMessage(effect_, type, nullptr, as_format(text).c_str());
}

bool Instance::begins_to_follow(const void* session, const std::string& record) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (followed_session_ == session && followed_record_ == record) return false;
  followed_session_ = session;
  followed_record_ = record;
  return true;
}

std::string Instance::with_line(const std::string& kept, const std::string& line) {
  (kept == void_ofx::param::kProposal ? proposal_line_ : removal_line_) = line;
  if (proposal_line_.empty()) return removal_line_;
  const std::string proposed = "Proposal: " + proposal_line_;
  return removal_line_.empty() ? proposed : removal_line_ + "\n" + proposed;
}

bool Instance::is_aborted() const { return host().effects->abort(effect_) != 0; }

ParamEdit::ParamEdit(const Instance& instance, const char* label) {
  if (host().effects->getParamSet(instance.effect(), &params_) != kOfxStatOK ||
      host().params->paramEditBegin(params_, label) != kOfxStatOK)
    params_ = nullptr;
}

ParamEdit::~ParamEdit() {
  if (params_ != nullptr) host().params->paramEditEnd(params_);
}

}  // namespace void_ofx
