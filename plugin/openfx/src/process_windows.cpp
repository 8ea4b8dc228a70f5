#ifdef _WIN32

#include <windows.h>

#include <atomic>
#include <stdexcept>

#include "process.h"
#include "windows_handle.h"
#include "windows_text.h"

namespace void_ofx {

namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + windows_reason(GetLastError()));
}

// An argument as the C runtime of the child takes it apart again.
std::wstring quoted(const std::string& argument) {
  std::wstring text = L"\"";
  size_t slashes = 0;
  for (const wchar_t letter : widened(argument)) {
    if (letter == L'\\') {
      ++slashes;
      continue;
    }
    text.append(letter == L'"' ? 2 * slashes + 1 : slashes, L'\\');
    slashes = 0;
    text.push_back(letter);
  }
  text.append(2 * slashes, L'\\');
  return text + L"\"";
}

std::wstring clean_environment() {
  std::wstring block;
  wchar_t* const all = GetEnvironmentStringsW();
  for (const wchar_t* variable = all; variable != nullptr && *variable != L'\0';) {
    const std::wstring text(variable);
    variable += text.size() + 1;
    if (!is_bent_variable(narrowed(text))) block.append(text).push_back(L'\0');
  }
  if (all != nullptr) FreeEnvironmentStringsW(all);
  block.push_back(L'\0');
  return block;
}

// The list of the only handles that a child inherits.
class InheritedHandles {
 public:
  explicit InheritedHandles(std::vector<HANDLE> handles) : handles_(std::move(handles)) {
    SIZE_T bytes = 0;
    InitializeProcThreadAttributeList(nullptr, 1, 0, &bytes);
    memory_.resize(bytes);
    list_ = reinterpret_cast<LPPROC_THREAD_ATTRIBUTE_LIST>(memory_.data());
    if (!InitializeProcThreadAttributeList(list_, 1, 0, &bytes)) fail("the list of handles");
    if (!UpdateProcThreadAttribute(list_, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, handles_.data(),
                                   handles_.size() * sizeof(HANDLE), nullptr, nullptr))
      fail("the list of handles");
  }
  ~InheritedHandles() { DeleteProcThreadAttributeList(list_); }
  InheritedHandles(const InheritedHandles&) = delete;
  InheritedHandles& operator=(const InheritedHandles&) = delete;
  LPPROC_THREAD_ATTRIBUTE_LIST get() const { return list_; }

 private:
  std::vector<HANDLE> handles_;
  std::vector<unsigned char> memory_;
  LPPROC_THREAD_ATTRIBUTE_LIST list_ = nullptr;
};

class WindowsProcess final : public Process {
 public:
  WindowsProcess(Handle child, Handle to_child, Handle from_child)
      : child_(std::move(child)), to_child_(std::move(to_child)), from_child_(std::move(from_child)) {}

  bool write(const char* bytes, size_t count) override {
    while (count > 0) {
      DWORD sent = 0;
      if (is_let_go_) return false;
      if (!WriteFile(to_child_.get(), bytes, static_cast<DWORD>(count), &sent, nullptr) || sent == 0) return false;
      bytes += sent;
      count -= sent;
    }
    return true;
  }

  size_t read(char* bytes, size_t count) override {
    DWORD came = 0;
    if (is_let_go_) return 0;
    return ReadFile(from_child_.get(), bytes, static_cast<DWORD>(count), &came, nullptr) ? came : 0;
  }

  void close_input() override { to_child_.close(); }

  bool has_ended(int milliseconds) override {
    return WaitForSingleObject(child_.get(), static_cast<DWORD>(milliseconds)) == WAIT_OBJECT_0;
  }

  void kill() override { TerminateProcess(child_.get(), 1); }

  void let_go() override {
    is_let_go_ = true;
    CancelIoEx(from_child_.get(), nullptr);
    CancelIoEx(to_child_.get(), nullptr);
  }

 private:
  Handle child_, to_child_, from_child_;
  std::atomic<bool> is_let_go_{false};
};

}  // namespace

std::unique_ptr<Process> Process::start(const std::vector<std::string>& command, const std::string& log) {
  SECURITY_ATTRIBUTES inherited = {sizeof(SECURITY_ATTRIBUTES), nullptr, TRUE};
  Handle input_read, input_write, output_read, output_write;
  if (!CreatePipe(input_read.address(), input_write.address(), &inherited, 0) ||
      !CreatePipe(output_read.address(), output_write.address(), &inherited, 0))
    fail("a pipe");
  SetHandleInformation(input_write.get(), HANDLE_FLAG_INHERIT, 0);
  SetHandleInformation(output_read.get(), HANDLE_FLAG_INHERIT, 0);
  Handle errors(CreateFileW(widened(log).c_str(), FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE, &inherited,
                            CREATE_NEW, FILE_ATTRIBUTE_NORMAL, nullptr));
  if (errors.get() == INVALID_HANDLE_VALUE) fail(log);

  const InheritedHandles handles({input_read.get(), output_write.get(), errors.get()});
  STARTUPINFOEXW startup = {};
  startup.StartupInfo.cb = sizeof startup;
  startup.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
  startup.StartupInfo.hStdInput = input_read.get();
  startup.StartupInfo.hStdOutput = output_write.get();
  startup.StartupInfo.hStdError = errors.get();
  startup.lpAttributeList = handles.get();
  std::wstring line;
  for (const std::string& argument : command) line += (line.empty() ? L"" : L" ") + quoted(argument);
  std::wstring variables = clean_environment();
  PROCESS_INFORMATION made = {};
  if (!CreateProcessW(widened(command[0]).c_str(), line.data(), nullptr, nullptr, TRUE,
                      CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP | CREATE_UNICODE_ENVIRONMENT |
                          EXTENDED_STARTUPINFO_PRESENT,
                      variables.data(), nullptr, &startup.StartupInfo, &made))
    fail(command[0]);
  CloseHandle(made.hThread);
  return std::make_unique<WindowsProcess>(Handle(made.hProcess), std::move(input_write), std::move(output_read));
}

long long this_process() { return static_cast<long long>(GetCurrentProcessId()); }

}  // namespace void_ofx

#endif
