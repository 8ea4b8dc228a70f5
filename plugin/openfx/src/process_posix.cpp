#ifndef _WIN32

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "process.h"

#if defined(__APPLE__)
#include <crt_externs.h>
#endif

#if defined(__linux__)
// glibc has it since 2.34. Where it is missing, descriptors that the host left open for children stay open in this
// one too; the bridge closes them when it starts.
extern "C" int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t*, int) __attribute__((weak));
#endif

namespace void_ofx {

namespace {

char** environment() {
#if defined(__APPLE__)
  return *_NSGetEnviron();
#else
  return environ;
#endif
}

std::vector<std::string> clean_environment() {
  std::vector<std::string> variables;
  for (char** variable = environment(); variable != nullptr && *variable != nullptr; ++variable)
    if (!is_bent_variable(*variable)) variables.emplace_back(*variable);
  return variables;
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// One socket is the child's input and output: writing to one whose child is gone can be done without a signal.
void open_pair(int (&ends)[2]) {
#if defined(SOCK_CLOEXEC)
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) throw std::runtime_error(std::strerror(errno));
#else
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) throw std::runtime_error(std::strerror(errno));
  for (const int end : ends) ::fcntl(end, F_SETFD, FD_CLOEXEC);
#endif
#if defined(SO_NOSIGPIPE)
  const int yes = 1;
  ::setsockopt(ends[0], SOL_SOCKET, SO_NOSIGPIPE, &yes, sizeof yes);
#endif
}

#if defined(MSG_NOSIGNAL)
constexpr int kSendFlags = MSG_NOSIGNAL;
#else
constexpr int kSendFlags = 0;
#endif

// What a child gets: its descriptors, default signals, a group of its own so that Ctrl-C in the host's terminal
// does not end it before the host has.
class SpawnPlan {
 public:
  SpawnPlan(int socket, const std::string& log) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_adddup2(&actions_, socket, 0);
    posix_spawn_file_actions_adddup2(&actions_, socket, 1);
    posix_spawn_file_actions_addopen(&actions_, 2, log.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    short flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
#if defined(__APPLE__)
    flags = static_cast<short>(flags | POSIX_SPAWN_CLOEXEC_DEFAULT);
#elif defined(__linux__)
    if (posix_spawn_file_actions_addclosefrom_np != nullptr) posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
#endif
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&attributes_, &none);
    sigset_t usual;
    sigemptyset(&usual);
    for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM})
      sigaddset(&usual, signal);
    posix_spawnattr_setsigdefault(&attributes_, &usual);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_, flags);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  int spawn(pid_t& child, const std::vector<std::string>& command) {
    const std::vector<std::string> variables = clean_environment();
    const std::vector<char*> arguments = pointers_to(command);
    const std::vector<char*> values = pointers_to(variables);
    return posix_spawn(&child, arguments[0], &actions_, &attributes_, arguments.data(), values.data());
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

class PosixProcess final : public Process {
 public:
  PosixProcess(pid_t child, int socket) : child_(child), socket_(socket) {}
  ~PosixProcess() override { ::close(socket_); }

  bool write(const char* bytes, size_t count) override {
    while (count > 0) {
      const ssize_t sent = ::send(socket_, bytes, count, kSendFlags);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) return false;
      bytes += sent;
      count -= static_cast<size_t>(sent);
    }
    return true;
  }

  size_t read(char* bytes, size_t count) override {
    for (;;) {
      const ssize_t came = ::recv(socket_, bytes, count, 0);
      if (came < 0 && errno == EINTR) continue;
      return came > 0 ? static_cast<size_t>(came) : 0;
    }
  }

  void close_input() override { ::shutdown(socket_, SHUT_WR); }

  bool has_ended(int milliseconds) override {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
    for (;;) {
      const pid_t ended = ::waitpid(child_, nullptr, WNOHANG);
      // A host that waits for all its children may have taken this one's end away.
      if (ended == child_ || (ended < 0 && errno != EINTR)) return true;
      if (std::chrono::steady_clock::now() >= until) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  void kill() override {
    ::kill(child_, SIGKILL);
    while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  void let_go() override { ::shutdown(socket_, SHUT_RDWR); }

 private:
  pid_t child_;
  int socket_;
};

}  // namespace

std::unique_ptr<Process> Process::start(const std::vector<std::string>& command, const std::string& log) {
  int ends[2] = {-1, -1};
  open_pair(ends);
  pid_t child = -1;
  int error = 0;
  try {
    error = SpawnPlan(ends[1], log).spawn(child, command);
  } catch (...) {
    ::close(ends[0]);
    ::close(ends[1]);
    throw;
  }
  ::close(ends[1]);
  if (error != 0) {
    ::close(ends[0]);
    throw std::runtime_error(command[0] + ": " + std::strerror(error));
  }
  return std::make_unique<PosixProcess>(child, ends[0]);
}

long long this_process() { return ::getpid(); }

}  // namespace void_ofx

#endif
