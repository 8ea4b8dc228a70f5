#include "place.h"

#include <cstdio>
#include <stdexcept>

#ifdef _WIN32
#include <windows.h>

#include <filesystem>

#include "windows_text.h"
#else
#include <dlfcn.h>

#include <cstdlib>
#endif

namespace void_ofx {

namespace {

#if defined(_WIN32)
constexpr const char* kSystem = "windows";
#elif defined(__APPLE__)
constexpr const char* kSystem = "macos";
#else
constexpr const char* kSystem = "linux";
#endif

// The path of this very binary: NAME.ofx.bundle/Contents/ARCHITECTURE/NAME.ofx.
std::string binary() {
#ifdef _WIN32
  HMODULE module = nullptr;
  GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                     reinterpret_cast<LPCWSTR>(&binary), &module);
  std::wstring path(32768, L'\0');
  path.resize(GetModuleFileNameW(module, path.data(), static_cast<DWORD>(path.size())));
  std::string text = narrowed(path);
  for (char& letter : text)
    if (letter == '\\') letter = '/';
  return text;
#else
  Dl_info found;
  if (dladdr(reinterpret_cast<const void*>(&binary), &found) == 0 || found.dli_fname == nullptr) return {};
  return found.dli_fname;
#endif
}

std::string parent(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

}  // namespace

std::ifstream open_text(const std::string& path) {
#ifdef _WIN32
  return std::ifstream(std::filesystem::path(widened(path)));
#else
  return std::ifstream(path);
#endif
}

void remove_file(const std::string& path) {
#ifdef _WIN32
  DeleteFileW(widened(path).c_str());
#else
  std::remove(path.c_str());
#endif
}

std::string variable(const char* name) {
#ifdef _WIN32
  wchar_t value[32768];
  const DWORD length = GetEnvironmentVariableW(widened(name).c_str(), value, 32768);
  return length == 0 || length >= 32768 ? std::string() : narrowed(std::wstring(value, length));
#else
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
#endif
}

std::string bridge_python() {
  const std::string wanted = variable("VOID_OPENFX_PYTHON");
  if (!wanted.empty()) return wanted;
  const std::string path = parent(parent(binary())) + "/Resources/bridge.txt";
  std::ifstream lines = open_text(path);
  const std::string key = std::string("python.") + kSystem + "=";
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.rfind(key, 0) == 0 && line.size() > key.size()) return line.substr(key.size());
  }
  throw std::runtime_error(path + " names no Python for this system; run `python3 installer openfx` here, or set "
                           "VOID_OPENFX_PYTHON to the Python that has VOID's server");
}

std::string temporary_folder() {
#ifdef _WIN32
  std::wstring path(MAX_PATH + 2, L'\0');
  path.resize(GetTempPathW(static_cast<DWORD>(path.size()), path.data()));
  std::string text = narrowed(path);
  while (!text.empty() && (text.back() == '\\' || text.back() == '/')) text.pop_back();
  return text;
#else
  const std::string named = variable("TMPDIR");
  return named.empty() ? "/tmp" : named;
#endif
}

}  // namespace void_ofx
