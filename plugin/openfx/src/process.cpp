#include "process.h"

namespace void_ofx {

// Hosts bring a Python and libraries of their own and point at them with these; another Python breaks on them.
bool is_bent_variable(const std::string& variable) {
  static const char* const kNames[] = {"PYTHONHOME=", "PYTHONPATH=", "PYTHONSTARTUP=", "__PYVENV_LAUNCHER__=",
                                       "LD_LIBRARY_PATH=", "LD_PRELOAD=", "DYLD_LIBRARY_PATH=",
                                       "DYLD_FRAMEWORK_PATH=", "DYLD_INSERT_LIBRARIES=", "QT_PLUGIN_PATH="};
  for (const char* name : kNames)
    if (variable.rfind(name, 0) == 0) return true;
  return false;
}

}  // namespace void_ofx
