// Where the plug-in lies, and which Python the installer wrote beside it.
#pragma once

#include <fstream>
#include <string>

namespace void_ofx {

// What the bridge is started with. Throws std::runtime_error with what to do where nothing says it.
std::string bridge_python();

// A folder for the log of the bridge: the user's temporary one.
std::string temporary_folder();

// A file whose name is in UTF-8: opened for reading, deleted.
std::ifstream open_text(const std::string& path);
void remove_file(const std::string& path);

// The value of an environment variable in UTF-8, empty where it is not set.
std::string variable(const char* name);

}  // namespace void_ofx
