// Frames on their way to the bridge: in files of the private folder, which become the bridge's own.
#pragma once

#include <list>
#include <memory>
#include <string>

#include "bridge.h"
#include "mapped_file.h"
#include "pixels.h"
#include "spare_files.h"

namespace void_ofx {

class Handover {
 public:
  // `removal` is what the bridge calls the removal that the frames are for.
  Handover(std::shared_ptr<const Session> session, std::string removal);
  ~Handover();
  Handover(const Handover&) = delete;
  Handover& operator=(const Handover&) = delete;

  // How the plate is handed over.
  struct PlateForm {
    bool as_halves = false;    // floats become halves
    bool with_alpha = false;  // else only the colours go
  };

  // Hands a picture of the plate over. Waits where too much is on its way. Throws BridgeError or NotWanted.
  void give_plate(int frame, const Picture& picture, PlateForm form, const IsWanted& is_wanted);
  // Hands the matte over that a picture holds, and answers whether it marks anything: where it does not, nothing
  // is sent.
  bool give_matte(const char* role, int frame, const Picture& picture, MatteSource source,
                  const IsWanted& is_wanted);
  // Waits until the bridge has everything.
  void finish(const IsWanted& is_wanted);

 private:
  struct Sent {
    std::string path;
    size_t bytes = 0;
    long long number = 0;  // of the request
  };

  MappedFile room_for(size_t bytes, const IsWanted& is_wanted);
  void collect();
  void wait_for_one(const IsWanted& is_wanted);
  void send(MappedFile file, const char* role, int frame, const Picture& form);

  std::shared_ptr<const Session> session_;
  std::string removal_;
  std::list<Sent> files_;  // those that the bridge has not confirmed
  size_t bytes_ = 0;       // of these files
  SpareFiles spare_;
};

}  // namespace void_ofx
