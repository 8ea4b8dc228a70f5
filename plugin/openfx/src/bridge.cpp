#include "bridge.h"

#include "host.h"
#include "place.h"
#include "version.h"

namespace void_ofx {

namespace {

using std::chrono::milliseconds;

constexpr int kProtocol = 1;
constexpr milliseconds kStartPatience(30000);
constexpr milliseconds kBetweenTries(5000);  // after a start that failed: renders must not start one each
constexpr int kEndPatienceMs = 2000;
constexpr int kLeavePatienceMs = 1000;

std::string log_path() {
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  return temporary_folder() + "/void-openfx-" + std::to_string(this_process()) + "-" + std::to_string(now) + ".log";
}

// The last line that a process printed before it ended, which is where Python names an error.
std::string last_line(const std::string& path) {
  std::ifstream file = open_text(path);
  std::string last;
  for (std::string line; std::getline(file, line);)
    if (line.find_first_not_of(" \t\r") != std::string::npos) last = line;
  return last.size() > 300 ? last.substr(0, 300) : last;
}

Message hello() {
  Message message;
  message.set("type", "hello");
  message.set("protocol", kProtocol);
  message.set("plugin_version", kVersionText);
  message.set("host", host().name);
  message.set("host_version", host().version);
  message.set("host_pid", this_process());
  message.set("background", host().is_background ? 1 : 0);
  return message;
}

bool is_refusal(const std::optional<Message>& answer) { return answer.has_value() && answer->integer("ok", 0) != 1; }

}  // namespace

Bridge& Bridge::of_this_process() {
  // Never destroyed: at the end of a process its threads may be gone already.
  static Bridge* const bridge = new Bridge();
  return *bridge;
}

std::shared_ptr<const Session> Bridge::running() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return session_ != nullptr && session_->link->is_alive() ? session_ : nullptr;
}

std::shared_ptr<const Session> Bridge::session(const IsWanted& is_wanted) {
  if (auto there = running()) return there;
  const std::lock_guard<std::mutex> only_one(starting_);
  if (auto there = running()) return there;
  if (std::chrono::steady_clock::now() < next_try_) throw BridgeError(last_failure_);
  std::shared_ptr<const Session> dead;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    dead = std::move(session_);
    session_ = nullptr;
  }
  if (dead != nullptr) {
    dead->link->end(kEndPatienceMs, Link::Late::kKill);
    remove_file(dead->log);
  }
  try {
    auto started = start(is_wanted);
    const std::lock_guard<std::mutex> lock(mutex_);
    session_ = started;
    return started;
  } catch (const BridgeError& error) {
    last_failure_ = error.what();
    next_try_ = std::chrono::steady_clock::now() + kBetweenTries;
    throw;
  }
}

std::shared_ptr<const Session> Bridge::start(const IsWanted& is_wanted) {
  auto session = std::make_shared<Session>();
  try {
    session->log = log_path();
    session->link = std::make_shared<Link>(
        Process::start({bridge_python(), "-I", "-m", "void_server", "openfx-bridge"}, session->log));
  } catch (const std::runtime_error& error) {
    throw BridgeError(std::string("VOID's bridge cannot be started: ") + error.what());
  }
  const auto answer = session->link->wait(session->link->send(hello()), kStartPatience, is_wanted);
  if (!answer.has_value() || is_refusal(answer)) {
    const bool is_stopped = session->link->is_alive() && is_wanted && !is_wanted();
    session->link->end(answer.has_value() ? kEndPatienceMs : 0, Link::Late::kKill);
    const std::string said = answer.has_value() ? answer->text("error") : last_line(session->log);
    remove_file(session->log);
    if (is_stopped) throw NotWanted();
    throw BridgeError("VOID's bridge does not start: " + (said.empty() ? "it says nothing" : said));
  }
  session->folder = answer->text("folder");
  session->room_bytes = answer->integer("room_bytes", 0);
  return session;
}

const Message& checked(const Message& answer) {
  if (answer.integer("ok", 0) == 1) return answer;
  throw BridgeError(answer.text("error", "VOID's bridge refuses without a reason"));
}

Message ask(const Session& session, const Message& request, milliseconds patience, const IsWanted& is_wanted) {
  const auto answer = session.link->wait(session.link->send(request), patience, is_wanted);
  if (answer.has_value()) return checked(*answer);
  if (!session.link->is_alive()) throw BridgeError("VOID's bridge has ended");
  if (is_wanted && !is_wanted()) throw NotWanted();
  throw BridgeError("VOID's bridge does not answer");
}

std::optional<Message> Bridge::ask_briefly(const Message& request, milliseconds patience) {
  if (const auto there = running()) return there->link->follow(request, patience);
  {
    const std::unique_lock<std::mutex> not_starting(starting_, std::try_to_lock);
    if (not_starting.owns_lock() && std::chrono::steady_clock::now() < next_try_) throw BridgeError(last_failure_);
  }
  start_behind(request);
  return std::nullopt;
}

void Bridge::start_behind(const Message& request) {
  const std::lock_guard<std::mutex> lock(behind_mutex_);
  if (is_behind_busy_ || is_stopping_) return;  // It is being started already, and the artist presses once more.
  if (behind_.joinable()) behind_.join();
  is_behind_busy_ = true;
  try {
    behind_ = std::thread([this, request] {
      try {
        session([this] { return !is_stopping_; })->link->follow(request, milliseconds(0));
      } catch (...) {
        // What was wrong is told at the next press.
      }
      is_behind_busy_ = false;
    });
  } catch (...) {
    is_behind_busy_ = false;
    throw;
  }
}

void Bridge::stop() {
  is_stopping_ = true;
  {
    const std::lock_guard<std::mutex> lock(behind_mutex_);
    if (behind_.joinable()) behind_.join();
  }
  is_stopping_ = false;
  const std::lock_guard<std::mutex> only_one(starting_);
  std::shared_ptr<const Session> ended;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended = std::move(session_);
    session_ = nullptr;
  }
  next_try_ = {};
  if (ended == nullptr) return;
  // It may have a removal to hand to the server yet; it ends by itself then.
  ended->link->end(kLeavePatienceMs, Link::Late::kLeave);
  remove_file(ended->log);
}

}  // namespace void_ofx
