#include "link.h"

#include <algorithm>
#include <vector>

namespace void_ofx {

namespace {

constexpr auto kTurn = std::chrono::milliseconds(20);  // between two questions whether an answer is still wanted
constexpr size_t kMostNews = 1000;

}  // namespace

Link::Link(std::unique_ptr<Process> process) : process_(std::move(process)), at_work_(2) {
  writer_ = std::thread([this] {
    write_all();
    come_back();
  });
  try {
    reader_ = std::thread([this] {
      read_all();
      come_back();
    });
  } catch (...) {
    come_back();
    end(0, Late::kKill);
    throw;
  }
}

Link::~Link() { end(0, Late::kKill); }

long long Link::send(Message request) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const long long number = next_++;
  request.set("id", number);
  std::string bytes = packed(request);
  if (is_alive_) {
    asked_[number] = std::nullopt;
    to_write_.push_back(std::move(bytes));
    something_to_write_.notify_one();
  }
  return number;
}

void Link::tell(Message request) {
  const long long number = send(std::move(request));
  const std::lock_guard<std::mutex> lock(mutex_);
  asked_.erase(number);
}

std::optional<Message> Link::follow(Message request, std::chrono::milliseconds patience) {
  const std::string record = request.text("record");
  const long long number = send(std::move(request));
  std::unique_lock<std::mutex> lock(mutex_);
  something_came_.wait_for(lock, patience, [this, number] { return is_settled(number); });
  const auto asked = asked_.find(number);
  if (asked == asked_.end()) return std::nullopt;
  std::optional<Message> answer = std::move(asked->second);
  asked_.erase(asked);
  if (answer.has_value())
    note_news(record, *answer);
  else if (is_alive_)
    followed_[number] = record;
  return answer;
}

std::optional<Message> Link::wait(long long number, std::chrono::milliseconds patience,
                                  const std::function<bool()>& is_wanted) {
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      const auto turn = std::min(until, std::chrono::steady_clock::now() + kTurn);
      something_came_.wait_until(lock, turn, [this, number] { return is_settled(number); });
      const auto found = asked_.find(number);
      if (found == asked_.end()) return std::nullopt;
      const bool is_late = std::chrono::steady_clock::now() >= until;
      if (is_settled(number) || is_late) {
        std::optional<Message> answer = std::move(found->second);
        asked_.erase(found);
        return answer;
      }
    }
    if (is_wanted && !is_wanted()) {
      const std::lock_guard<std::mutex> lock(mutex_);
      asked_.erase(number);
      return std::nullopt;
    }
  }
}

std::optional<Message> Link::take(long long number) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = asked_.find(number);
  if (found == asked_.end() || !found->second.has_value()) return std::nullopt;
  std::optional<Message> answer = std::move(found->second);
  asked_.erase(found);
  return answer;
}

bool Link::is_settled(long long number) const {
  const auto found = asked_.find(number);
  return found == asked_.end() || found->second.has_value() || !is_alive_;
}

bool Link::is_alive() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return is_alive_;
}

std::optional<Message> Link::news(const std::string& record) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = news_.find(record);
  if (found == news_.end()) return std::nullopt;
  return found->second;
}

void Link::end(int milliseconds, Late late) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (is_ending_) return;
    is_ending_ = true;
    something_to_write_.notify_one();
  }
  if (!process_->has_ended(milliseconds) && late == Late::kKill) process_->kill();
  {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!something_came_.wait_for(lock, kTurn, [this] { return at_work_ == 0; })) {
      lock.unlock();
      process_->let_go();
      lock.lock();
    }
  }
  if (writer_.joinable()) writer_.join();
  if (reader_.joinable()) reader_.join();
}

void Link::write_all() {
  try {
    for (;;) {
      std::string bytes;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        something_to_write_.wait(lock, [this] { return !to_write_.empty() || is_ending_ || !is_alive_; });
        if (to_write_.empty() || !is_alive_) break;
        bytes = std::move(to_write_.front());
        to_write_.pop_front();
      }
      if (!process_->write(bytes.data(), bytes.size())) break;
    }
  } catch (...) {
    die();  // No memory is left, for example: the bridge is given up, the host is not.
  }
  process_->close_input();
}

void Link::read_all() {
  try {
    std::vector<char> bytes(64 * 1024);
    MessageReader reader;
    Message message;
    while (const size_t count = process_->read(bytes.data(), bytes.size())) {
      reader.add(bytes.data(), count);
      while (reader.next(message)) note(message);
    }
  } catch (...) {
    // Bytes that are no message, or no memory: nothing that comes after them can be trusted.
  }
  die();
}

void Link::note(const Message& message) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (message.text("type") == "answer") {
    const long long number = message.integer("id", 0);
    const auto found = asked_.find(number);
    if (found != asked_.end()) found->second = message;
    const auto followed = followed_.find(number);
    if (followed != followed_.end()) {
      note_news(followed->second, message);
      followed_.erase(followed);
    }
  } else if (!message.text("record").empty()) {
    note_news(message.text("record"), message);
  }
  something_came_.notify_all();
}

void Link::note_news(const std::string& record, const Message& message) {
  if (message.text("state").empty()) return;  // a refusal: it is no news of the removal
  if (news_.size() >= kMostNews) news_.clear();
  news_[record] = message;
}

void Link::come_back() {
  const std::lock_guard<std::mutex> lock(mutex_);
  --at_work_;
  something_came_.notify_all();
}

void Link::die() {
  const std::lock_guard<std::mutex> lock(mutex_);
  is_alive_ = false;
  something_came_.notify_all();
  something_to_write_.notify_one();
}

}  // namespace void_ofx
