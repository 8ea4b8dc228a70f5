#include "handover.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "place.h"

namespace void_ofx {

namespace {

constexpr std::chrono::milliseconds kPatience(120000);  // until the bridge has read a frame
constexpr std::chrono::milliseconds kTurn(2);
constexpr size_t kLeastRoom = 256u << 20;

std::string next_name() {
  static std::atomic<unsigned long long> count{0};
  return "plate-" + std::to_string(count++) + ".raw";
}

}  // namespace

Handover::Handover(std::shared_ptr<const Session> session, std::string removal)
    : session_(std::move(session)), removal_(std::move(removal)) {}

Handover::~Handover() {
  // A file that the bridge still reads stays readable for it: what is unlinked here goes when it closes it.
  for (Sent& sent : files_) {
    const std::string path = sent.file.path();
    sent.file = MappedFile();
    remove_file(path);
  }
}

void Handover::give_plate(int frame, const Picture& picture, bool as_halves, const IsWanted& is_wanted) {
  Picture form = picture;
  const bool is_converted = as_halves && picture.depth == Depth::kFloat;
  if (is_converted) form.depth = Depth::kHalf;
  const size_t bytes = static_cast<size_t>(form.width()) * static_cast<size_t>(form.height()) * form.pixel_bytes();
  Sent& sent = room_for(bytes, is_wanted);
  if (is_converted)
    pack_halves(picture, reinterpret_cast<std::uint16_t*>(sent.file.data()));
  else
    pack_rows(picture, sent.file.data());
  send(sent, "plate", frame, form);
}

bool Handover::give_matte(const char* role, int frame, const Picture& picture, MatteSource source,
                          const IsWanted& is_wanted) {
  Picture matte = picture;
  matte.channels = 1;
  matte.depth = Depth::kFloat;
  const size_t bytes = static_cast<size_t>(picture.width()) * static_cast<size_t>(picture.height()) * sizeof(float);
  Sent& sent = room_for(bytes, is_wanted);
  if (!pack_matte(picture, source, reinterpret_cast<float*>(sent.file.data()))) return false;
  send(sent, role, frame, matte);
  return true;
}

void Handover::finish(const IsWanted& is_wanted) {
  const auto is_waiting = [](const Sent& sent) { return sent.number != 0; };
  while (std::any_of(files_.begin(), files_.end(), is_waiting)) wait_for_one(is_wanted);
}

Handover::Sent& Handover::room_for(size_t bytes, const IsWanted& is_wanted) {
  const size_t room = std::max(kLeastRoom, static_cast<size_t>(std::max(0LL, session_->room_bytes)));
  for (;;) {
    collect();
    // The smallest free file that is large enough, and at most twice as large: what is small keeps no large file from
    // a plate. The message says how much of a file counts.
    Sent* best = nullptr;
    for (Sent& sent : files_)
      if (sent.number == 0 && sent.file.bytes() >= bytes && sent.file.bytes() <= 2 * bytes &&
          (best == nullptr || sent.file.bytes() < best->file.bytes()))
        best = &sent;
    if (best != nullptr) return *best;
    if (files_.empty() || bytes_ + bytes <= room) {
      try {
        files_.push_back({MappedFile::make(session_->folder + "/" + next_name(), bytes), 0});
      } catch (const std::runtime_error& error) {
        throw BridgeError(std::string("the frames find no room: ") + error.what());
      }
      bytes_ += bytes;
      return files_.back();
    }
    const auto idle = std::find_if(files_.begin(), files_.end(), [](const Sent& sent) { return sent.number == 0; });
    if (idle == files_.end()) {
      wait_for_one(is_wanted);
      continue;
    }
    const std::string path = idle->file.path();
    bytes_ -= idle->file.bytes();
    files_.erase(idle);
    remove_file(path);
  }
}

void Handover::collect() {
  for (Sent& sent : files_) {
    if (sent.number == 0) continue;
    const auto answer = session_->link->take(sent.number);
    if (!answer.has_value()) continue;
    sent.number = 0;
    checked(*answer);
  }
}

void Handover::wait_for_one(const IsWanted& is_wanted) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  const auto free_files = [this] {
    return std::count_if(files_.begin(), files_.end(), [](const Sent& sent) { return sent.number == 0; });
  };
  const auto before = free_files();
  for (;;) {
    collect();
    if (free_files() > before) return;
    if (!session_->link->is_alive()) throw BridgeError("VOID's bridge has ended");
    if (is_wanted && !is_wanted()) throw NotWanted();
    if (std::chrono::steady_clock::now() >= until) throw BridgeError("VOID's bridge does not take the frames");
    std::this_thread::sleep_for(kTurn);
  }
}

void Handover::send(Sent& sent, const char* role, int frame, const Picture& form) {
  const std::string& path = sent.file.path();
  Message message;
  message.set("type", "frame");
  message.set("removal", removal_);
  message.set("role", role);
  message.set("frame", frame);
  message.set("file", path.substr(path.find_last_of('/') + 1));
  message.set("offset", 0);
  message.set("x1", form.bounds.x1);
  message.set("y1", form.bounds.y1);
  message.set("x2", form.bounds.x2);
  message.set("y2", form.bounds.y2);
  message.set("row_bytes", static_cast<long long>(form.pixel_bytes()) * form.width());
  message.set("components", form.channels);
  message.set("depth", name_of(form.depth));
  sent.number = session_->link->send(std::move(message));
}

}  // namespace void_ofx
