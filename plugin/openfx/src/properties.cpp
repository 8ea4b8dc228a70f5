#include "properties.h"

#include "host.h"

namespace void_ofx {

namespace {

const OfxPropertySuiteV1& suite() { return *host().properties; }

}  // namespace

std::string Properties::text(const char* name) const {
  char* value = nullptr;
  if (handle_ == nullptr || suite().propGetString(handle_, name, 0, &value) != kOfxStatOK || value == nullptr)
    return {};
  return value;
}

int Properties::integer(const char* name, int missing) const {
  int value = missing;
  if (handle_ == nullptr || suite().propGetInt(handle_, name, 0, &value) != kOfxStatOK) return missing;
  return value;
}

double Properties::number(const char* name, double missing) const {
  double value = missing;
  if (handle_ == nullptr || suite().propGetDouble(handle_, name, 0, &value) != kOfxStatOK) return missing;
  return value;
}

void* Properties::pointer(const char* name) const {
  void* value = nullptr;
  if (handle_ == nullptr || suite().propGetPointer(handle_, name, 0, &value) != kOfxStatOK) return nullptr;
  return value;
}

bool Properties::numbers(const char* name, int count, double* values) const {
  return handle_ != nullptr && suite().propGetDoubleN(handle_, name, count, values) == kOfxStatOK;
}

bool Properties::integers(const char* name, int count, int* values) const {
  return handle_ != nullptr && suite().propGetIntN(handle_, name, count, values) == kOfxStatOK;
}

void Properties::set(const char* name, const char* value, int index) const {
  suite().propSetString(handle_, name, index, value);
}

void Properties::set(const char* name, const std::string& value) const { set(name, value.c_str()); }

void Properties::set(const char* name, int value) const { suite().propSetInt(handle_, name, 0, value); }

void Properties::set(const char* name, double value) const { suite().propSetDouble(handle_, name, 0, value); }

void Properties::set(const char* name, void* value) const { suite().propSetPointer(handle_, name, 0, value); }

void Properties::set_all(const char* name, std::initializer_list<const char*> values) const {
  int index = 0;
  for (const char* value : values) set(name, value, index++);
}

void Properties::set_numbers(const char* name, std::initializer_list<double> values) const {
  suite().propSetDoubleN(handle_, name, static_cast<int>(values.size()), values.begin());
}

}  // namespace void_ofx
