// A child process whose standard input and output are pipes to this one.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace void_ofx {

class Process {
 public:
  // Starts `command`, with the environment of the host less what bends Python's and the loader's paths. Its errors
  // go to the new file `log`. Nothing else of the host is inherited. Throws std::runtime_error with the reason.
  static std::unique_ptr<Process> start(const std::vector<std::string>& command, const std::string& log);

  virtual ~Process() = default;

  // Writes everything. Answers false when the child is gone. A dead child raises no signal here.
  virtual bool write(const char* bytes, size_t count) = 0;
  // Waits for bytes and answers how many came; 0 when the child is gone.
  virtual size_t read(char* bytes, size_t count) = 0;

  // Tells the child that there is nothing more to come. To be called by the thread that writes.
  virtual void close_input() = 0;
  // Waits for the end of the child for at most `milliseconds`. Answers whether it has ended.
  virtual bool has_ended(int milliseconds) = 0;
  // Ends it.
  virtual void kill() = 0;
  // Wakes `read` and `write` in other threads, which then answer that the child is gone. Where a call of theirs is
  // only about to begin it may miss that, so it is to be repeated until they are back.
  virtual void let_go() = 0;
};

// The id of this process.
long long this_process();

// The variables of an environment ("NAME=value") that a child of this plug-in may not have.
bool is_bent_variable(const std::string& variable);

}  // namespace void_ofx
