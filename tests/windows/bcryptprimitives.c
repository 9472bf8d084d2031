/*
 * The one function of Windows' bcryptprimitives.dll that Rust's standard library uses, for versions
 * of Wine before 9.0, which have no such DLL. test.py puts it beside the programs then.
 */
#include <windows.h>

#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length);

BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length)
{
    return RtlGenRandom(data, (ULONG)length);
}
