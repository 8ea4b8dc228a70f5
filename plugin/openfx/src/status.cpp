#include "status.h"

#include "host.h"
#include "names.h"

namespace void_ofx {

namespace {

constexpr std::chrono::milliseconds kPatience(40);  // a press of a button must not be felt
constexpr const char* kHint = " Press Refresh to see what has come.";
constexpr const char* kHintWithPointer = " Press Refresh, or move the pointer over the viewer.";
constexpr const char* kNothing = "Nothing has been removed here yet.";

// A number of an arbitrary text, for a parameter that only has to change when the text does.
int number_of(const std::string& text) {
  unsigned int hash = 2166136261u;
  for (const char letter : text) hash = (hash ^ static_cast<unsigned char>(letter)) * 16777619u;
  return static_cast<int>(hash & 0x7fffffffu);
}

bool ends_a_sentence(const std::string& text) { return !text.empty() && text.back() == '.'; }

Message question(const char* type, const std::string& record, const std::string& folder) {
  Message message;
  message.set("type", type);
  message.set("record", record);
  message.set("folder", folder);
  return message;
}

// The parameters that hold records: of the removal, and of the proposal.
constexpr const char* kKept[] = {param::kRecord, param::kProposal};

void show_line(Instance& instance, const char* kept, const std::string& line, OfxTime time) {
  instance.set_text(param::kStatus, instance.with_line(kept, line), time);
}

bool holds_nothing(const Instance& instance, OfxTime time) {
  return instance.text(param::kRecord, time).empty() && instance.text(param::kProposal, time).empty();
}

// Asks the bridge about this effect's removal or proposal. Where it does not answer at once, `meanwhile` is shown.
template <typename Act>
void ask_about(const char* type, Instance& instance, const char* kept, OfxTime time, const char* meanwhile,
               const Act& act) {
  const std::string record = instance.text(kept, time);
  if (record.empty()) {
    instance.with_line(kept, "");
    return;
  }
  try {
    const Message asked = question(type, record, instance.text(param::kFolder, time));
    const auto said = Bridge::of_this_process().ask_briefly(asked, kPatience);
    if (said.has_value())
      act(checked(*said));
    else
      show_line(instance, kept, meanwhile, time);
  } catch (const std::runtime_error& error) {
    show_line(instance, kept, error.what(), time);
  }
}

template <typename Act>
void ask_about_all(const char* type, Instance& instance, OfxTime time, const char* meanwhile, const Act& act) {
  if (holds_nothing(instance, time)) {
    for (const char* const kept : kKept) instance.with_line(kept, "");
    instance.set_text(param::kStatus, kNothing, time);
    return;
  }
  for (const char* const kept : kKept)
    ask_about(type, instance, kept, time, meanwhile, [&](const Message& said) { act(kept, said); });
}

}  // namespace

void show_status(Instance& instance, const char* kept, const Message& said, OfxTime time) {
  std::string text = said.text("text");
  if (said.text("state") == "running") {
    if (!ends_a_sentence(text)) text += ".";
    text += host().has_overlays() ? kHintWithPointer : kHint;
  }
  show_line(instance, kept, text, time);
  if (!said.text("log").empty()) instance.set_text(param::kLog, said.text("log"), time);
  const std::string revision = said.text("revision");
  if (!revision.empty()) instance.set_integer(param::kRevision, number_of(kept + revision), time);
}

void take_news(Instance& instance, OfxTime time) {
  const auto session = Bridge::of_this_process().running();
  if (session == nullptr) return;
  for (const char* const kept : kKept) {
    const std::string record = instance.text(kept, time);
    if (record.empty()) continue;
    if (const auto news = session->link->news(record)) show_status(instance, kept, *news, time);
  }
}

void follow(Instance& instance, const Session& session, const std::string& record, const std::string& folder) {
  if (host().is_background || !instance.begins_to_follow(session.link.get(), record)) return;
  session.link->follow(question("status", record, folder), std::chrono::milliseconds(0));
}

void refresh(Instance& instance, OfxTime time) {
  constexpr const char* kMeanwhile = "Asking VOID. Press Refresh again in a moment.";
  ask_about_all("status", instance, time, kMeanwhile,
                [&](const char* kept, const Message& said) { show_status(instance, kept, said, time); });
}

void cancel(Instance& instance, OfxTime time) {
  ask_about_all("cancel", instance, time, "VOID is told to cancel.", [&](const char* kept, const Message& said) {
    show_line(instance, kept, said.text("text", "Cancelled."), time);
  });
}

void open_folder(Instance& instance, OfxTime time) {
  const char* const kept = instance.text(param::kRecord, time).empty() ? param::kProposal : param::kRecord;
  if (instance.text(kept, time).empty())
    instance.set_text(param::kStatus, kNothing, time);
  else
    ask_about("open_folder", instance, kept, time, "The folder is being opened.", [](const Message&) {});
}

void reject(Instance& instance, OfxTime time) {
  const ParamEdit edit(instance, "VOID Reject proposal");
  instance.set_text(param::kProposal, "", time);
  instance.set_integer(param::kUseProposal, 0, time);
  show_line(instance, param::kProposal, "", time);
}

}  // namespace void_ofx
