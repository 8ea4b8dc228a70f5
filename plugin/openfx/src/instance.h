// One effect in a project: its parameters, its clips, and what was last said about it.
#pragma once

#include <mutex>
#include <string>

#include "ofx.h"
#include "param_table.h"

namespace void_ofx {

class Instance {
 public:
  explicit Instance(OfxImageEffectHandle effect) : effect_(effect) {}

  // The instance that the host hangs its handle on. Nothing where it has none.
  static Instance* of(OfxImageEffectHandle effect);

  OfxImageEffectHandle effect() const { return effect_; }

  // Values at a time. None of the parameters is animated, but hosts want a time wherever they render.
  std::string text(const char* name, OfxTime time) const;
  int integer(const char* name, OfxTime time) const;
  double number(const char* name, OfxTime time) const;
  // What the bridge is told of the option that is chosen.
  std::string choice(const char* name, OfxTime time) const;

  // To be called in InstanceChanged only. What is set already is not set again.
  void set_text(const char* name, const std::string& value, OfxTime time) const;
  void set_integer(const char* name, int value, OfxTime time) const;

  // The message on the effect: shown when it changes, taken away when it is empty. In any thread.
  void show_message(const char* type, const std::string& text);

  // Whether news of the removal `record` have not been asked for yet in the session `session`, which is noted.
  bool begins_to_follow(const void* session, const std::string& record);

  // Notes the line that tells of a removal or a proposal, by the name of the parameter with its record, and answers
  // all that is to be shown. To be called in InstanceChanged only.
  std::string with_line(const std::string& kept, const std::string& line);

  // Whether the host has been told to stop.
  bool is_aborted() const;

 private:
  OfxParamHandle param(const char* name) const;

  OfxImageEffectHandle effect_;
  std::mutex mutex_;
  std::string shown_message_;
  const void* followed_session_ = nullptr;
  std::string followed_record_;
  std::string removal_line_, proposal_line_;
};

// Several values set as one step that the artist can undo.
class ParamEdit {
 public:
  ParamEdit(const Instance& instance, const char* label);
  ~ParamEdit();
  ParamEdit(const ParamEdit&) = delete;
  ParamEdit& operator=(const ParamEdit&) = delete;

 private:
  OfxParamSetHandle params_ = nullptr;
};

}  // namespace void_ofx
