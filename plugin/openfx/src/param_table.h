// What the artist can set: one row for each parameter, with its label, help, range and default.
#pragma once

#include <vector>

namespace void_ofx {

enum class Kind { kGroup, kButton, kChoice, kText, kLines, kFolder, kInteger, kNumber, kSwitch };

// What a change of the parameter means to the pictures of the effect.
enum class Redraw { kNever, kAlways };

struct Option {
  const char* label;  // what the artist reads
  const char* value;  // what the bridge is told
};

struct ParamRow {
  Kind kind;
  const char* name;
  const char* parent;  // the group, or nullptr
  const char* label;
  const char* hint;
  Redraw redraw;
  std::vector<Option> options;  // of a choice
  double low = 0, high = 0;     // of a number: what is allowed
  double shown_low = 0, shown_high = 0;  // and what a slider offers
  double start = 0;                      // the default: a number, the index of an option, 0 or 1
  bool hidden = false;
  bool read_only = false;
  bool kept = true;      // whether projects keep it
  bool undoable = true;  // whether a change is a step of the artist's work
  bool open = true;  // of a group
  // The default in hosts that show unconnected inputs as connected, where it is another one.
  int start_with_phantoms = -1;
};

// All parameters in the order of the panel, groups before their members. Made at the first call.
const std::vector<ParamRow>& param_table();

// The row of a name, which has to be one of the table's.
const ParamRow& param_row(const char* name);

}  // namespace void_ofx
