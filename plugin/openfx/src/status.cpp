#include "status.h"

#include "host.h"
#include "names.h"

namespace void_ofx {

namespace {

constexpr std::chrono::milliseconds kPatience(40);  // a press of a button must not be felt
constexpr const char* kHint = " Press Refresh to see what has come.";
constexpr const char* kHintWithPointer = " Press Refresh, or move the pointer over the viewer, to see what has come.";
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

// Asks the bridge about this effect's removal. Where it does not answer at once, `meanwhile` is shown.
template <typename Act>
void ask_about(const char* type, const Instance& instance, OfxTime time, const char* meanwhile, const Act& act) {
  const std::string record = instance.text(param::kRecord, time);
  if (record.empty()) {
    instance.set_text(param::kStatus, kNothing, time);
    return;
  }
  try {
    const Message asked = question(type, record, instance.text(param::kFolder, time));
    const auto said = Bridge::of_this_process().ask_briefly(asked, kPatience);
    if (said.has_value())
      act(checked(*said));
    else
      instance.set_text(param::kStatus, meanwhile, time);
  } catch (const std::runtime_error& error) {
    instance.set_text(param::kStatus, error.what(), time);
  }
}

}  // namespace

void show_status(const Instance& instance, const Message& said, OfxTime time) {
  std::string text = said.text("text");
  if (said.text("state") == "running") {
    if (!ends_a_sentence(text)) text += ".";
    text += host().has_overlays() ? kHintWithPointer : kHint;
  }
  instance.set_text(param::kStatus, text, time);
  if (!said.text("log").empty()) instance.set_text(param::kLog, said.text("log"), time);
  const std::string revision = said.text("revision");
  if (!revision.empty()) instance.set_integer(param::kRevision, number_of(revision), time);
}

void take_news(const Instance& instance, OfxTime time) {
  const auto session = Bridge::of_this_process().running();
  if (session == nullptr) return;
  const std::string record = instance.text(param::kRecord, time);
  if (record.empty()) return;
  if (const auto news = session->link->news(record)) show_status(instance, *news, time);
}

void follow(Instance& instance, const Session& session, const std::string& record, const std::string& folder) {
  if (host().is_background || !instance.begins_to_follow(session.link.get(), record)) return;
  session.link->follow(question("status", record, folder), std::chrono::milliseconds(0));
}

void refresh(Instance& instance, OfxTime time) {
  constexpr const char* kMeanwhile = "Asking VOID. Press Refresh again in a moment.";
  ask_about("status", instance, time, kMeanwhile, [&](const Message& said) { show_status(instance, said, time); });
}

void cancel(Instance& instance, OfxTime time) {
  ask_about("cancel", instance, time, "VOID is told to cancel.", [&](const Message& said) {
    instance.set_text(param::kStatus, said.text("text", "Cancelled."), time);
  });
}

void open_folder(Instance& instance, OfxTime time) {
  ask_about("open_folder", instance, time, "The folder is being opened.", [](const Message&) {});
}

}  // namespace void_ofx
