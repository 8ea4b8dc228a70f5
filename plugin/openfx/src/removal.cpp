#include "removal.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "bridge.h"
#include "handover.h"
#include "host.h"
#include "image.h"
#include "names.h"
#include "order.h"
#include "progress.h"
#include "status.h"

namespace void_ofx {

namespace {

constexpr std::chrono::milliseconds kPatience(60000);
constexpr int kTries = 3;  // bridges that may die over one hand-over

Message about(const char* type, const std::string& removal) {
  Message message;
  message.set("type", type);
  message.set("removal", removal);
  return message;
}

// The part of a picture within the box, without copying.
Picture part_of(const Picture& picture, const OfxRectI& box) {
  Picture part = picture;
  part.bounds = overlap(picture.bounds, box);
  if (part.width() > 0 && part.height() > 0) part.data = picture.at(part.bounds.x1, part.bounds.y1);
  return part;
}

bool is_empty(const Picture& picture) {
  return picture.data == nullptr || picture.width() <= 0 || picture.height() <= 0;
}

OfxRectD canonical(const OfxRectI& box, double aspect) {
  return {box.x1 * aspect, static_cast<double>(box.y1), box.x2 * aspect, static_cast<double>(box.y2)};
}

std::string frame_name(int frame) { return "frame " + std::to_string(frame); }

// Hands frame by frame over. One object for one press of Remove.
class Delivery {
 public:
  Delivery(Instance& instance, const Order& order, Progress& progress)
      : instance_(instance), order_(order), progress_(progress), is_wanted_([this] { return progress_.wait(); }) {}

  // Answers what the bridge says of the removal that it begins. A bridge that dies over it is replaced by another,
  // which is given everything once more.
  Message run() {
    for (int left = kTries;;) {
      session_ = Bridge::of_this_process().session(is_wanted_);
      try {
        return hand_over();
      } catch (const BridgeError&) {
        if (session_->link->is_alive() || --left == 0) throw;
      }
    }
  }

 private:
  Message hand_over() {
    is_referenced_ = has_matte_ = false;
    const std::string removal = ask(*session_, order_.settings, kPatience, is_wanted_).text("removal");
    try {
      Handover handover(session_, removal);
      deliver(handover, removal);
      handover.finish(is_wanted_);
    } catch (...) {
      session_->link->tell(about("abandon", removal));
      throw;
    }
    return submit(removal);
  }

  // From here on a bridge that dies loses nothing: the next one has all that this one was given.
  Message submit(const std::string& removal) {
    try {
      return ask(*session_, about("submit", removal), kPatience, is_wanted_);
    } catch (const BridgeError&) {
      if (session_->link->is_alive()) throw;
    }
    const auto next = Bridge::of_this_process().session(is_wanted_);
    return ask(*next, about("submit", removal), kPatience, is_wanted_);
  }

  void deliver(Handover& handover, const std::string& removal) {
    const OfxRectD region = canonical(order_.box, order_.pixel_aspect);
    double done = 0;
    for (const int frame : order_.frames) {
      if (!progress_.reach(done++ / static_cast<double>(order_.frames.size()))) throw NotWanted();
      deliver_plate(handover, removal, frame, region);
      for (const MatteInput& matte : order_.mattes) deliver_matte(handover, matte, frame, region);
    }
    if (!has_matte_)
      throw OrderError("The mattes mark nothing in these frames. Check the input Remove, and Remove matte from.");
  }

  void deliver_plate(Handover& handover, const std::string& removal, int frame, const OfxRectD& region) {
    const Image image(Clip(instance_.effect(), clip::kSource), frame, &region);
    if (!image.is_there()) throw OrderError("The host gives no plate for " + frame_name(frame) + ".");
    check_scale(image);
    const Picture picture = part_of(image.picture(), order_.box);
    if (is_empty(picture)) throw OrderError("The plate of " + frame_name(frame) + " is empty.");
    const std::string file = image.source_file();
    if (is_referenced_ && !file.empty() && refer(removal, frame, file)) return;
    // Plates are stored as halves. Only a conversion of colours needs all that a float says.
    const Handover::PlateForm form{order_.settings.text("colour_space").empty(),
                                   order_.settings.integer("premultiplied", 0) != 0};
    handover.give_plate(frame, picture, form, is_wanted_);
    if (frame != order_.frames.front() || file.empty()) return;
    // The bridge compares the file with the pixels that it was just given: a graded plate is not its file.
    handover.finish(is_wanted_);
    is_referenced_ = refer(removal, frame, file);
  }

  bool refer(const std::string& removal, int frame, const std::string& file) {
    Message message = about("source", removal);
    message.set("frame", frame);
    message.set("path", file);
    try {
      return ask(*session_, message, kPatience, is_wanted_).integer("taken", 0) == 1;
    } catch (const BridgeError&) {
      if (!session_->link->is_alive()) throw;
      return false;  // The pixels are sent.
    }
  }

  void deliver_matte(Handover& handover, const MatteInput& matte, int frame, const OfxRectD& region) {
    const Image image(Clip(instance_.effect(), matte.clip), frame, &region);
    if (!image.is_there()) return;  // A matte may have fewer frames than the plate: nothing is marked there.
    check_scale(image);
    const Picture picture = part_of(image.picture(), order_.box);
    if (is_empty(picture)) return;
    if (std::string(matte.clip) == clip::kSource && picture.channels == 3)
      throw OrderError("The plate has no alpha. Connect a matte to the input Remove instead.");
    const bool is_marked = handover.give_matte(matte.role, frame, picture, matte.source, is_wanted_);
    has_matte_ = has_matte_ || (is_marked && std::string(matte.role) != "ignore");
  }

  static void check_scale(const Image& image) {
    if (std::fabs(image.scale() - 1.0) > 1e-6)
      throw OrderError("The host works on proxies and hands small frames over. Switch proxies off and press Remove "
                       "again.");
  }

  Instance& instance_;
  const Order& order_;
  Progress& progress_;
  IsWanted is_wanted_;
  std::shared_ptr<const Session> session_;
  bool is_referenced_ = false;
  bool has_matte_ = false;
};

}  // namespace

namespace {

void order_and_keep(Instance& instance, OfxTime time, Task task, const char* kept, const char* label) {
  Message said;
  try {
    const Order order = read_order(instance, time, task);
    Progress progress(instance.effect(), "VOID: handing the plate over");
    said = Delivery(instance, order, progress).run();
  } catch (const NotWanted&) {
    instance.set_text(param::kStatus, "Stopped before anything was started.", time);
    return;
  } catch (const std::runtime_error& error) {
    instance.set_text(param::kStatus, error.what(), time);
    return;
  }
  const ParamEdit edit(instance, label);
  instance.set_text(kept, said.text("record"), time);
  show_status(instance, kept, said, time);
}

}  // namespace

void remove(Instance& instance, OfxTime time) {
  order_and_keep(instance, time, Task::kRemove, param::kRecord, "VOID Remove");
}

void propose(Instance& instance, OfxTime time) {
  order_and_keep(instance, time, Task::kPropose, param::kProposal, "VOID Propose affected");
}

}  // namespace void_ofx
