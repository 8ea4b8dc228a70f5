#include "finished_frame.h"

namespace void_ofx {

namespace {

constexpr std::chrono::milliseconds kPatience(60000);  // a large frame on a slow disk
constexpr long long kLongestSide = 1 << 20;
constexpr long long kChannels = 4;

// A name within the private folder, which leads nowhere else.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find_first_of("/\\:") == std::string::npos;
}

Message request(const std::string& record, const std::string& folder, int frame, const std::string& show, bool whole) {
  Message message;
  message.set("type", "picture");
  message.set("record", record);
  message.set("folder", folder);
  message.set("frame", frame);
  message.set("show", show);
  message.set("whole", whole ? 1 : 0);
  return message;
}

}  // namespace

FinishedFrame::FinishedFrame(const std::string& record, const std::string& folder, int frame, const std::string& show,
                             bool whole, const IsWanted& is_wanted) {
  const Message wanted = request(record, folder, frame, show, whole);
  for (int attempt = 0;; ++attempt) {
    session_ = Bridge::of_this_process().session(is_wanted);
    try {
      const Message said = ask(*session_, wanted, kPatience, is_wanted);
      state_ = said.text("state", "missing");
      text_ = said.text("text");
      if (is_ready()) map(said);
      return;
    } catch (const BridgeError&) {
      // A bridge that died is started again, once for each picture.
      if (session_->link->is_alive() || attempt > 0) throw;
    }
  }
}

FinishedFrame::~FinishedFrame() {
  if (file_.empty()) return;
  try {
    memory_ = MappedFile();
    Message message;
    message.set("type", "release");
    message.set("file", file_);
    session_->link->tell(std::move(message));
  } catch (...) {
    // The bridge keeps the file until it ends, which costs room and nothing else.
  }
}

void FinishedFrame::map(const Message& said) {
  file_ = said.text("file");
  const long long width = said.integer("width", 0), height = said.integer("height", 0);
  const std::string depth = said.text("depth", "float");
  const long long value = depth == "half" ? sizeof(std::uint16_t) : sizeof(float), pixel = kChannels * value;
  const long long row_bytes = said.integer("row_bytes", width * pixel), offset = said.integer("offset", 0);
  OfxRectI& box = answer_.box;
  box = {static_cast<int>(said.integer("x1", 0)), static_cast<int>(said.integer("y1", 0)),
         static_cast<int>(said.integer("x2", 0)), static_cast<int>(said.integer("y2", 0))};
  const bool is_sane = is_plain_name(file_) && width > 0 && width <= kLongestSide && height > 0 &&
                       height <= kLongestSide && row_bytes >= width * pixel &&
                       row_bytes <= kLongestSide * pixel && row_bytes % value == 0 && offset >= 0 &&
                       offset % value == 0 && offset <= (1LL << 40) && said.integer("components", 4) == kChannels &&
                       (depth == "half" || depth == "float") && box.x1 < box.x2 && box.y1 < box.y2;
  if (!is_sane) throw BridgeError("VOID's bridge hands over a picture that is none");
  try {
    const long long bytes = offset + (height - 1) * row_bytes + width * pixel;
    memory_ = MappedFile::open(session_->folder + "/" + file_, static_cast<size_t>(bytes));
  } catch (const std::runtime_error& error) {
    throw BridgeError(std::string("a picture of VOID's bridge cannot be read: ") + error.what());
  }
  answer_.data = memory_.data() + offset;
  answer_.row_bytes = static_cast<std::ptrdiff_t>(row_bytes);
  answer_.is_half = depth == "half";
  answer_.width = static_cast<int>(width);
  answer_.height = static_cast<int>(height);
}

}  // namespace void_ofx
