// The bridge of this host process: started when it is first needed, noticed when dead, started again.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "framing.h"
#include "link.h"

namespace void_ofx {

// The bridge cannot be started or asked, or answered with a reason. The text is for the artist.
class BridgeError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Whoever waited does not want the answer any more.
class NotWanted : public std::runtime_error {
 public:
  NotWanted() : std::runtime_error("stopped") {}
};

using IsWanted = std::function<bool()>;

// A running bridge, with what it said when it began.
struct Session {
  std::shared_ptr<Link> link;
  std::string folder;       // where pixel files are
  long long room_bytes = 0;  // how much may wait there
  std::string log;          // what its process printed
};

class Bridge {
 public:
  static Bridge& of_this_process();

  // The running bridge, started where there is none. Throws BridgeError or NotWanted.
  std::shared_ptr<const Session> session(const IsWanted& is_wanted = {});

  // The running bridge, or nothing: starts none.
  std::shared_ptr<const Session> running() const;

  // Asks something of a removal, with its record, and waits no longer than is not felt. Answers nothing where the
  // answer has not come by then: it becomes news of the removal. Where no bridge runs one is started behind, and then
  // asked. Throws BridgeError where the last one could not be started.
  std::optional<Message> ask_briefly(const Message& request, std::chrono::milliseconds patience);

  // Ends it. Another call starts a new one.
  void stop();

 private:
  std::shared_ptr<const Session> start(const IsWanted& is_wanted);
  void start_behind(const Message& request);

  std::mutex starting_;  // held while one is started, so that there is one
  mutable std::mutex mutex_;
  std::shared_ptr<const Session> session_;
  std::chrono::steady_clock::time_point next_try_;
  std::string last_failure_;
  std::mutex behind_mutex_;
  std::thread behind_;  // starts a bridge while nobody waits
  std::atomic<bool> is_behind_busy_{false};
  std::atomic<bool> is_stopping_{false};
};

// Sends a request to one session and waits. Throws BridgeError or NotWanted.
Message ask(const Session& session, const Message& request, std::chrono::milliseconds patience,
            const IsWanted& is_wanted = {});

// What an answer holds, or a BridgeError with the reason that it gives.
const Message& checked(const Message& answer);

}  // namespace void_ofx
