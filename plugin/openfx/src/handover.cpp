#include "handover.h"

#include <algorithm>
#include <thread>

#include "place.h"

namespace void_ofx {

namespace {

constexpr std::chrono::milliseconds kPatience(120000);  // until the bridge has taken a frame
constexpr std::chrono::milliseconds kTurn(2);
constexpr size_t kLeastRoom = 256u << 20;

}  // namespace

Handover::Handover(std::shared_ptr<const Session> session, std::string removal)
    : session_(std::move(session)), removal_(std::move(removal)), spare_(session_->folder) {}

Handover::~Handover() {
  // What the bridge has not taken yet belongs to nobody.
  for (const Sent& sent : files_) remove_file(sent.path);
}

void Handover::give_plate(int frame, const Picture& picture, PlateForm wanted, const IsWanted& is_wanted) {
  Picture form = picture;
  const bool is_converted = wanted.as_halves && picture.depth == Depth::kFloat;
  if (is_converted) {
    form.depth = Depth::kHalf;
    if (picture.channels == 4 && !wanted.with_alpha) form.channels = 3;
  }
  const size_t bytes = static_cast<size_t>(form.width()) * static_cast<size_t>(form.height()) * form.pixel_bytes();
  MappedFile file = room_for(bytes, is_wanted);
  if (is_converted)
    pack_halves(picture, form.channels, reinterpret_cast<std::uint16_t*>(file.data()));
  else
    pack_rows(picture, file.data());
  send(std::move(file), "plate", frame, form);
}

bool Handover::give_matte(const char* role, int frame, const Picture& picture, MatteSource source,
                          const IsWanted& is_wanted) {
  Picture matte = picture;
  matte.channels = 1;
  matte.depth = Depth::kHalf;
  const size_t bytes = static_cast<size_t>(picture.width()) * static_cast<size_t>(picture.height()) * matte.pixel_bytes();
  MappedFile file = room_for(bytes, is_wanted);
  if (!pack_matte(picture, source, reinterpret_cast<std::uint16_t*>(file.data()))) {
    remove_file(file.path());
    return false;
  }
  send(std::move(file), role, frame, matte);
  return true;
}

void Handover::finish(const IsWanted& is_wanted) {
  while (!files_.empty()) wait_for_one(is_wanted);
}

MappedFile Handover::room_for(size_t bytes, const IsWanted& is_wanted) {
  const size_t room = std::max(kLeastRoom, static_cast<size_t>(std::max(0LL, session_->room_bytes)));
  collect();
  while (!files_.empty() && bytes_ + bytes > room) wait_for_one(is_wanted);
  try {
    return spare_.take(bytes);
  } catch (const std::runtime_error& error) {
    throw BridgeError(std::string("the frames find no room: ") + error.what());
  }
}

void Handover::collect() {
  for (auto sent = files_.begin(); sent != files_.end();) {
    const auto answer = session_->link->take(sent->number);
    if (!answer.has_value()) {
      ++sent;
      continue;
    }
    checked(*answer);
    bytes_ -= sent->bytes;
    sent = files_.erase(sent);
  }
}

void Handover::wait_for_one(const IsWanted& is_wanted) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  const size_t before = files_.size();
  for (;;) {
    collect();
    if (files_.size() < before) return;
    if (!session_->link->is_alive()) throw BridgeError("VOID's bridge has ended");
    if (is_wanted && !is_wanted()) throw NotWanted();
    if (std::chrono::steady_clock::now() >= until) throw BridgeError("VOID's bridge does not take the frames");
    std::this_thread::sleep_for(kTurn);
  }
}

void Handover::send(MappedFile file, const char* role, int frame, const Picture& form) {
  const std::string path = file.path();
  const size_t bytes = file.bytes();
  file = MappedFile();  // The bridge gives the file another place, which a system may refuse while it is mapped.
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
  message.set("given", 1);
  message.set("marks", 1);  // Of a matte that marks nothing, nothing is sent.
  files_.push_back({path, bytes, 0});
  files_.back().number = session_->link->send(std::move(message));
  bytes_ += bytes;
}

}  // namespace void_ofx
