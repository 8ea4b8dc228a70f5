// Texts between this plug-in's UTF-8 and Windows' UTF-16, and Windows' reasons in words.
#pragma once

#ifdef _WIN32

#include <string>

namespace void_ofx {

std::wstring widened(const std::string& text);
std::string narrowed(const std::wstring& text);
std::string windows_reason(unsigned long error);

}  // namespace void_ofx

#endif
