// Frames on their way to the bridge: in files of the private folder that are used again once they have been read.
#pragma once

#include <list>
#include <memory>
#include <string>

#include "bridge.h"
#include "mapped_file.h"
#include "pixels.h"

namespace void_ofx {

class Handover {
 public:
  // `removal` is what the bridge calls the removal that the frames are for.
  Handover(std::shared_ptr<const Session> session, std::string removal);
  ~Handover();
  Handover(const Handover&) = delete;
  Handover& operator=(const Handover&) = delete;

  // Hands a picture of the plate over, floats as halves where `as_halves` says so. Waits where too much is on its
  // way. Throws BridgeError or NotWanted.
  void give_plate(int frame, const Picture& picture, bool as_halves, const IsWanted& is_wanted);
  // Hands the matte over that a picture holds, and answers whether it marks anything: where it does not, nothing
  // is sent.
  bool give_matte(const char* role, int frame, const Picture& picture, MatteSource source,
                  const IsWanted& is_wanted);
  // Waits until everything has been read.
  void finish(const IsWanted& is_wanted);

 private:
  struct Sent {
    MappedFile file;
    long long number = 0;  // of the request, 0 where the file is free
  };

  Sent& room_for(size_t bytes, const IsWanted& is_wanted);
  void collect();
  void wait_for_one(const IsWanted& is_wanted);
  void send(Sent& sent, const char* role, int frame, const Picture& form);

  std::shared_ptr<const Session> session_;
  std::string removal_;
  std::list<Sent> files_;
  size_t bytes_ = 0;  // of all files
};

}  // namespace void_ofx
