// A frame of the result as the bridge hands it over.
#pragma once

#include <memory>
#include <string>

#include "bridge.h"
#include "compose.h"
#include "mapped_file.h"

namespace void_ofx {

class FinishedFrame {
 public:
  // Asks for a frame of the result `record`. `show` is what is wanted of it; `whole` also asks for the lines
  // in which nothing was replaced. Throws BridgeError or NotWanted.
  FinishedFrame(const std::string& record, const std::string& folder, int frame, const std::string& show, bool whole,
                const IsWanted& is_wanted);
  ~FinishedFrame();
  FinishedFrame(const FinishedFrame&) = delete;
  FinishedFrame& operator=(const FinishedFrame&) = delete;

  // ready, missing (it is to be there, and is not), or outside (of the frames of this result).
  const std::string& state() const { return state_; }
  bool is_ready() const { return state_ == "ready"; }
  // Why it is not ready, for the artist.
  const std::string& text() const { return text_; }
  const Answer& answer() const { return answer_; }
  // The session that answered.
  const Session& session() const { return *session_; }

 private:
  void map(const Message& said);

  std::shared_ptr<const Session> session_;
  std::string state_, text_, file_;
  MappedFile memory_;
  Answer answer_;
};

}  // namespace void_ofx
