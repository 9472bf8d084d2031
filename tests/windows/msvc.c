/*
 * A program without a C runtime, which test.py compiles for MSVC's interface and links with
 * wxlink.lib. It exits with 0 if the functions of both calling conventions can be called.
 */
#include "wxlink.h"

__declspec(dllimport) void __stdcall ExitProcess(unsigned int code);

void __cdecl start(void)
{
    static const char op[] = "none";
    char out[512];
    size_t length = 0;
    int32_t answered = 0;
    unsigned int code = 0;

    if (wx_abi_version() != WX_ABI_VERSION)
        code |= 1;
    if (wx_exec(op, 4, op, 0, out, sizeof out, &length) != WX_E_BAD_VALUE || length == 0)
        code |= 2;
    if (wx_stdcall_exec(op, 4, op, 0, out, sizeof out, &answered) != WX_E_BAD_VALUE ||
        answered != (int32_t)length)
        code |= 4;
    ExitProcess(code);
}
