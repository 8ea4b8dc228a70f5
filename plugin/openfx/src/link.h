// One running bridge: messages out by a thread of its own, messages in by another. Neither calls the host.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "framing.h"
#include "process.h"

namespace void_ofx {

class Link {
 public:
  explicit Link(std::unique_ptr<Process> process);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // Sends a request and answers its number. Never waits.
  long long send(Message request);
  // Sends what has no answer that anybody reads.
  void tell(Message request);

  // Waits until `number` is answered, for at most `patience`, and as long as `is_wanted` says so, which is asked in
  // the caller's thread a few times a second. Answers nothing where the bridge is dead, patience ended, or nobody
  // wants it any more; an answer that comes later is dropped.
  std::optional<Message> wait(long long number, std::chrono::milliseconds patience,
                              const std::function<bool()>& is_wanted);
  // The answer if it is there already.
  std::optional<Message> take(long long number);

  bool is_alive() const;
  // Asks something of a removal, with its record, and waits for at most `patience`. An answer that comes later
  // becomes news of the removal.
  std::optional<Message> follow(Message request, std::chrono::milliseconds patience);
  // What the bridge last said of the removal `record`, by itself or to `follow`.
  std::optional<Message> news(const std::string& record) const;

  enum class Late { kKill, kLeave };

  // Ends the link by the end of the bridge's input. A bridge that is still there after `milliseconds` is killed, or
  // left to what it has to finish.
  void end(int milliseconds, Late late);

 private:
  // Whether nobody has to wait for `number` any more. The lock is held.
  bool is_settled(long long number) const;
  void write_all();
  void read_all();
  void note(const Message& message);
  void note_news(const std::string& record, const Message& message);
  void die();
  void come_back();

  std::unique_ptr<Process> process_;
  mutable std::mutex mutex_;
  std::condition_variable something_to_write_, something_came_;
  std::deque<std::string> to_write_;
  std::map<long long, std::optional<Message>> asked_;  // with the answer where it is there
  std::map<long long, std::string> followed_;  // the records of open requests
  std::map<std::string, Message> news_;        // by record
  long long next_ = 1;
  bool is_alive_ = true;
  bool is_ending_ = false;
  int at_work_ = 0;  // threads that have not come back
  std::thread writer_, reader_;
};

}  // namespace void_ofx
