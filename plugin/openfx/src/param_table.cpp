#include "param_table.h"

#include <cstring>
#include <stdexcept>
#include <string>

#include "names.h"

namespace void_ofx {

namespace {

ParamRow group(const char* name, const char* label, const char* hint, bool open) {
  ParamRow row{Kind::kGroup, name, nullptr, label, hint, Redraw::kNever, {}};
  row.open = open;
  return row;
}

ParamRow button(const char* name, const char* label, const char* hint, const char* parent = nullptr) {
  return {Kind::kButton, name, parent, label, hint, Redraw::kNever, {}};
}

ParamRow choice(const char* name, const char* parent, const char* label, const char* hint,
                std::vector<Option> options, int start = 0, Redraw redraw = Redraw::kNever) {
  ParamRow row{Kind::kChoice, name, parent, label, hint, redraw, std::move(options)};
  row.start = start;
  return row;
}

ParamRow text(Kind kind, const char* name, const char* parent, const char* label, const char* hint,
              Redraw redraw = Redraw::kNever) {
  return {kind, name, parent, label, hint, redraw, {}};
}

ParamRow number(Kind kind, const char* name, const char* parent, const char* label, const char* hint, double start,
                double low, double high, double shown_low, double shown_high) {
  ParamRow row{kind, name, parent, label, hint, Redraw::kNever, {}};
  row.low = low;
  row.high = high;
  row.shown_low = shown_low;
  row.shown_high = shown_high;
  row.start = start;
  return row;
}

ParamRow on_or_off(const char* name, const char* parent, const char* label, const char* hint, bool start) {
  ParamRow row{Kind::kSwitch, name, parent, label, hint, Redraw::kNever, {}};
  row.start = start ? 1 : 0;
  return row;
}

// Where unconnected inputs look connected, such a matte counts only when the artist says so.
ParamRow optional_matte(const char* name, const char* label, const char* hint) {
  ParamRow row = choice(name, param::kMattes, label, hint,
                        {{"Input alpha", "alpha"}, {"Input luminance", "luminance"}, {"Off", "off"}});
  row.start_with_phantoms = 2;
  return row;
}

ParamRow told(ParamRow row) {
  row.read_only = true;
  row.undoable = false;
  row.kept = false;
  return row;
}

ParamRow hidden(ParamRow row) {
  row.hidden = true;
  return row;
}

std::vector<ParamRow> make_table() {
  using namespace param;
  return {
      choice(kShow, nullptr, "Show", "What the effect shows: the result where it is there, or one of its parts.",
             {{"Result", "result"},
              {"Plate", "plate"},
              {"Difference", "difference"},
              {"Quadmask", "quadmask"},
              {"Matte", "matte"},
              {"Confidence", "confidence"},
              {"Proposal over the plate", "proposal"}},
             0, Redraw::kAlways),
      button(kRemove, "Remove",
             "Hands plate and mattes of the frame range over and starts the removal, which then runs behind."),
      button(kCancel, "Cancel", "Stops this effect's removal. Frames that are finished stay."),
      button(kRefresh, "Refresh", "Asks how the removal goes and shows the frames that have come since."),
      button(kOpenFolder, "Open folder", "Opens the folder of the result."),
      told(text(Kind::kLines, kStatus, nullptr, "Status", "How the removal goes.")),

      group(kMattes, "Mattes", "What goes, what it affected, and what is held out of both.", true),
      choice(kRemoveFrom, kMattes, "Remove matte from",
             "Where the matte of what goes is: in the input Remove, or in the plate's own alpha.",
             {{"Input alpha", "alpha"}, {"Input luminance", "luminance"}, {"Source alpha", "source"}}),
      optional_matte(kAffectedFrom, "Affected matte from",
             "Shadows, reflections and what the object held up. Off where the input is not used."),
      optional_matte(kHoldOutFrom, "Hold-out from",
                     "What is cut out of both other mattes and never touched. Off where the input is not used."),
      button(kPropose, "Propose affected",
             "Finds shadows, reflections and what the object moves or carries, by evidence in the shot. Show draws them "
             "over the plate.",
             kMattes),
      on_or_off(kUseProposal, kMattes, "Use proposal",
                "The next Remove takes what was proposed as affected, besides the input Affected and without Hold-out.",
                false),
      number(Kind::kNumber, kProposalGrow, kMattes, "Grow proposal",
             "Pixels of the full-size plate by which the proposal is grown; below 0 it shrinks.", 0, -256, 256, -16, 32),
      button(kReject, "Reject proposal", "Forgets what was proposed. Its files stay in the folder.", kMattes),
      on_or_off(kGrowAuto, kMattes, "Grow as measured",
                "The engine measures how far the object reaches beyond its matte. Otherwise Grow says it.", true),
      number(Kind::kNumber, kGrow, kMattes, "Grow",
             "Pixels of the full-size plate by which mattes are grown; below 0 they shrink.", 2, -256, 256, -16, 32),
      number(Kind::kNumber, kSoften, kMattes, "Soften",
             "Pixels over which the result goes over into the plate, outside the grown matte.", 4, 0, 256, 0, 32),

      group(kRemoval, "Removal", "Which engine, which frames, how large.", true),
      choice(kEngine, kRemoval, "Engine",
             "Automatic takes the best that the server can run. Other takes the engine named below.",
             {{"Automatic", "auto"}, {"Propagation", "propagation"}, {"VOID model", "void"}, {"Other", ""}}),
      text(Kind::kText, kEngineName, kRemoval, "Other engine", "The name of an engine that your studio added."),
      choice(kQuality, kRemoval, "Quality",
             "Preview works at a quarter of the size; finest takes the engine's slower, better way.",
             {{"Preview", "preview"}, {"Final", "final"}, {"Finest", "finest"}}, 1),
      text(Kind::kText, kPrompt, kRemoval, "Prompt",
           "What remains when the object is gone, never the removal itself. Only the VOID model reads it."),
      choice(kRange, kRemoval, "Frames", "The frames that are handed over.",
             {{"All of the clip", "clip"}, {"First to last", "typed"}}),
      number(Kind::kInteger, kFirst, kRemoval, "First", "First frame, where Frames is First to last.", 1, -1000000,
             10000000, 0, 1000),
      number(Kind::kInteger, kLast, kRemoval, "Last", "Last frame, where Frames is First to last.", 100, -1000000,
             10000000, 0, 1000),
      number(Kind::kInteger, kHandles, kRemoval, "Handles",
             "Frames added at both ends of First to last, as far as the clip has them.", 0, 0, 1000, 0, 24),
      choice(kScale, kRemoval, "Scale", "The size at which the removal works and its result is.",
             {{"Full", "1"}, {"Half", "0.5"}, {"Quarter", "0.25"}, {"Eighth", "0.125"}}),
      text(Kind::kText, kColourSpace, kRemoval, "Plate colour space",
           "Empty: the plate is scene-linear and is taken as it comes. Otherwise the plate's colour space by its "
           "OpenColorIO name; the result comes back in it."),
      number(Kind::kInteger, kSeed, kRemoval, "Seed", "Seed of everything random: the same seed, the same result.",
             42, 0, 2147483647, 0, 100),

      group(kPropagation, "Propagation", "Options of the engine Propagation.", false),
      choice(kMotion, kPropagation, "Motion", "How the background moves.",
             {{"As measured", "auto"},
              {"Locked off", "locked-off"},
              {"One plane", "one-plane"},
              {"Two layers", "two-layers"}}),
      choice(kSources, kPropagation, "Sources",
             "Which frames pixels are taken from: the nearest, or farther ones too.",
             {{"Near", "near"}, {"Balanced", "balanced"}, {"Far", "far"}}, 1),
      choice(kFill, kPropagation, "Fill", "How what no frame shows is filled.",
             {{"Texture", "texture"}, {"Smooth", "smooth"}}),
      number(Kind::kNumber, kGrain, kPropagation, "Grain",
             "How much of the plate's fine detail is put back where pixels were averaged.", 0.95, 0, 1, 0, 1),

      group(kOtherEngine, "Engine options", "Options of any engine, as `void engines NAME` lists them.", false),
      text(Kind::kText, kEngineOptions, kOtherEngine, "Options",
           "For example: passes=2 steps=40. They go before everything that is set above."),

      group(kOutput, "Output", "Where the result is kept.", true),
      text(Kind::kFolder, kFolder, kOutput, "Folder",
           "The folder of results. Empty: one in your own movies or documents. With a path relative to the project, "
           "where the host knows such, the result travels with the project.",
           Redraw::kAlways),
      number(Kind::kInteger, kVersion, kOutput, "Version", "The version to write; 0 takes the next free one.", 0, 0,
             9999, 0, 100),
      choice(kMissing, kOutput, "Missing frames",
             "What a render does where a frame of the result is not there: fail, or show the plate with a message.",
             {{"Fail in background renders", "background"},
              {"Always fail", "always"},
              {"Show the plate", "never"}},
             0, Redraw::kAlways),

      group(kLogGroup, "Log", "The last lines of the removal's log.", false),
      told(text(Kind::kLines, kLog, kLogGroup, "Log", "The last lines of the removal's log.")),

      hidden(text(Kind::kText, kRecord, nullptr, "Record", "Where the result is.", Redraw::kAlways)),
      hidden(text(Kind::kText, kProposal, nullptr, "Proposal", "Where the proposal is.", Redraw::kAlways)),
      hidden([] {
        ParamRow row = number(Kind::kInteger, kRevision, nullptr, "Revision", "Counts changes of the result.", 0, 0,
                              2147483647, 0, 2147483647);
        row.redraw = Redraw::kAlways;
        row.undoable = false;  // A press of Refresh is no step of the artist's work.
        return row;
      }()),
  };
}

}  // namespace

const std::vector<ParamRow>& param_table() {
  static const std::vector<ParamRow>* const table = new std::vector<ParamRow>(make_table());
  return *table;
}

const ParamRow& param_row(const char* name) {
  for (const ParamRow& row : param_table())
    if (std::strcmp(row.name, name) == 0) return row;
  throw std::logic_error(std::string("no such parameter: ") + name);
}

}  // namespace void_ofx
