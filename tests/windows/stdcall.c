/*
 * Calls the library as Visual Basic does, without its header: looks up the functions by the names
 * in the Declare statements of docs/windows.md, and passes the parameters that are declared there
 * (declares.h, which declares.py writes from the page). See calls.h for requests and replies.
 *
 *   stdcall utf16|bytes      the function to call: for texts in UTF-16 or in bytes
 *
 * Lines of a request that begin with `!` are not arguments of the call:
 *
 *   !cap=N     the size of the buffer in units; 262144 without this line
 *   !vba       uses the Declare of VBA 7 also in a program of 32 bits
 *   !shift=N   32 bits: the call is made with this address of the stack, modulo 16
 *   !odd       the texts and the buffer are at odd addresses
 *   !null=N    passes NULL as the operation (1), arguments (2), buffer (4) or length (8)
 *   !damaged   the last unit of the arguments is one that no text has
 *
 * A reply begins with these lines; the result follows if it fits:
 *
 *   returned=  what the function returned
 *   length=    the length that it stored
 *   beyond=    1 if something was written behind the buffer
 *   float=     1 if the function changed the floating-point exceptions, which the program unmasks
 *              as Visual Basic does
 *   stack=     1 if it changed the stack pointer or a register; with !shift only
 */
#include <windows.h>

#include "calls.h"
#include "declares.h"

#define MAX_CAP 262144
#define FENCE 0x5a

/* Invalid operations, divisions by zero and overflows are unmasked, and the others masked. */
static const unsigned short X87_CONTROL = 0x1332;
static const unsigned SSE_CONTROL = 0x1900;

static char op_buffer[256], args_buffer[2 * MAX_ARGS_BYTES], out_buffer[2 * MAX_CAP + 16];

static void set_float(unsigned short x87, unsigned sse)
{
    __asm__ volatile("fnclex\n\tfldcw %0\n\tldmxcsr %1" : : "m"(x87), "m"(sse));
}

static int float_changed(void)
{
    unsigned short x87;
    unsigned sse;

    __asm__ volatile("fnstcw %0\n\tstmxcsr %1" : "=m"(x87), "=m"(sse));
    /* Not the reserved bits of the first, and of the second not the exceptions that occurred. */
    return (x87 & 0xf3f) != (X87_CONTROL & 0xf3f) || (sse & 0xffc0) != SSE_CONTROL;
}

#ifdef __i386__
/*
 * Calls a function with words as its parameters. The last one is at an address that is `shift`
 * modulo 16. Stores 1 in `changed` if the function did not remove them all from the stack, or
 * changed a register that it must keep.
 */
int32_t call_words(FARPROC function, const int32_t *words, int count, int shift, int *changed);
__asm__(".globl _call_words\n"
        "_call_words:\n"
        "  pushl %ebp\n"
        "  movl %esp, %ebp\n"
        "  pushl %ebx\n"
        "  pushl %esi\n"
        "  pushl %edi\n"
        "  movl 12(%ebp), %edx\n"
        "  movl 16(%ebp), %ecx\n"
        "  movl %esp, %eax\n"
        "  andl $-16, %eax\n"
        "  subl $256, %eax\n"
        "  addl 20(%ebp), %eax\n"
        "  leal (%eax,%ecx,4), %esp\n"
        "  movl %esp, %ebx\n"
        "1:\n"
        "  testl %ecx, %ecx\n"
        "  jz 2f\n"
        "  decl %ecx\n"
        "  pushl (%edx,%ecx,4)\n"
        "  jmp 1b\n"
        "2:\n"
        "  movl $0x51515151, %esi\n"
        "  movl $0x1d1d1d1d, %edi\n"
        "  call *8(%ebp)\n"
        "  movl $1, %ecx\n"
        "  cmpl %ebx, %esp\n"
        "  jne 3f\n"
        "  cmpl $0x51515151, %esi\n"
        "  jne 3f\n"
        "  cmpl $0x1d1d1d1d, %edi\n"
        "  jne 3f\n"
        "  xorl %ecx, %ecx\n"
        "3:\n"
        "  movl 24(%ebp), %edx\n"
        "  movl %ecx, (%edx)\n"
        "  leal -12(%ebp), %esp\n"
        "  popl %edi\n"
        "  popl %esi\n"
        "  popl %ebx\n"
        "  popl %ebp\n"
        "  ret\n");
#endif

/* How the call of a request is made. */
static struct {
    int32_t cap, shift, null;
    int vba, odd, damaged;
} how;

/* Removes the lines that begin with `!` from the arguments. */
static void read_how(void)
{
    char *from = arguments, *to = arguments, *end;

    how.cap = MAX_CAP;
    how.shift = -1;
    how.null = 0;
    how.vba = how.odd = how.damaged = 0;
    for (; *from != '\0'; from = end) {
        end = strchr(from, '\n') + 1;
        if (*from != '!') {
            memmove(to, from, (size_t)(end - from));
            to += end - from;
        } else if (sscanf(from, "!cap=%d", &how.cap) == 0 &&
                   sscanf(from, "!shift=%d", &how.shift) == 0 &&
                   sscanf(from, "!null=%d", &how.null) == 0) {
            how.vba |= strncmp(from, "!vba", 4) == 0;
            how.odd |= strncmp(from, "!odd", 4) == 0;
            how.damaged |= strncmp(from, "!damaged", 8) == 0;
        }
    }
    *to = '\0';
}

/* Stores a text in the units of the function, and returns its length. */
static int32_t store(char *to, size_t size, const char *text, int unit)
{
    int length = (int)strlen(text);

    if (unit == 1)
        memcpy(to, text, (size_t)length);
    else
        length = MultiByteToWideChar(CP_UTF8, 0, text, length, (WCHAR *)to, (int)size / 2);
    return length;
}

static void write_result(const char *out, int32_t length, int unit)
{
    static char text[4 * MAX_CAP];

    if (unit == 1) {
        fwrite(out, 1, (size_t)length, stdout);
    } else if (length > 0) {
        length = WideCharToMultiByte(CP_UTF8, 0, (const WCHAR *)out, length, text, sizeof text,
                                     NULL, NULL);
        fwrite(text, 1, (size_t)length, stdout);
    }
}

int main(int argc, char **argv)
{
    HMODULE library = LoadLibraryA(DECLARED_LIBRARY);
    int unit = argc == 2 && strcmp(argv[1], "bytes") == 0 ? 1 : 2;
    const char *name = unit == 1 ? "wx_stdcall_exec" : "wx_stdcall_exec_utf16";
    FARPROC version, function;
    int32_t op_len, args_len, length, returned, *length_place;
    int beyond, changed, floats, i;
    char *op, *args, *out, *place;

    use_bytes();
    if (library == NULL) {
        fprintf(stderr, "%s cannot be loaded: error %lu\n", DECLARED_LIBRARY, GetLastError());
        return 1;
    }
    version = GetProcAddress(library, "wx_abi_version");
    function = GetProcAddress(library, name);
    if (version == NULL || function == NULL) {
        fprintf(stderr, "%s is not exported\n", name);
        return 1;
    }
    if (((vba_wx_abi_version)(void *)version)() != 1) {
        fputs("wx_abi_version\n", stderr);
        return 1;
    }
    while (read_request()) {
        read_how();
        op = op_buffer + how.odd;
        args = args_buffer + how.odd;
        out = out_buffer + how.odd;
        op_len = store(op_buffer, sizeof op_buffer, operation, unit);
        args_len = store(args_buffer, sizeof args_buffer, arguments, unit);
        memmove(op, op_buffer, (size_t)(op_len * unit));
        memmove(args, args_buffer, (size_t)(args_len * unit));
        /* Half of a surrogate pair; 0xd8 does not end a character in UTF-8. */
        if (how.damaged)
            args[args_len * unit - 1] = (char)0xd8;
        memset(out_buffer, FENCE, sizeof out_buffer);
        length = -1;
        length_place = how.null & 8 ? NULL : &length;
        if (how.null & 1)
            op = NULL;
        if (how.null & 2)
            args = NULL;
        place = how.null & 4 ? NULL : out;
        changed = 0;
        set_float(X87_CONTROL, SSE_CONTROL);
#ifdef __i386__
        if (how.shift >= 0) {
            int32_t words[] = {(int32_t)op,    op_len,  (int32_t)args,        args_len,
                               (int32_t)place, how.cap, (int32_t)length_place};
            if (unit == 1 ? VB6_WORDS_wx_stdcall_exec != 7 : VB6_WORDS_wx_stdcall_exec_utf16 != 7) {
                fputs("the Declare has other parameters\n", stderr);
                return 1;
            }
            returned = call_words(function, words, 7, how.shift, &changed);
        } else if (!how.vba) {
            returned = unit == 1 ? ((vb6_wx_stdcall_exec)(void *)function)(
                                       (uint8_t *)op, op_len, (uint8_t *)args, args_len,
                                       (uint8_t *)place, how.cap, length_place)
                                 : ((vb6_wx_stdcall_exec_utf16)(void *)function)(
                                       (int32_t)op, op_len, (int32_t)args, args_len, (int32_t)place,
                                       how.cap, length_place);
        } else
#endif
            returned = unit == 1 ? ((vba_wx_stdcall_exec)(void *)function)(
                                       (uint8_t *)op, op_len, (uint8_t *)args, args_len,
                                       (uint8_t *)place, how.cap, length_place)
                                 : ((vba_wx_stdcall_exec_utf16)(void *)function)(
                                       (intptr_t)op, op_len, (intptr_t)args, args_len,
                                       (intptr_t)place, how.cap, length_place);
        floats = float_changed();
        set_float(0x37f, 0x1f80);
        printf("returned=%d\nlength=%d\n", (int)returned, (int)length);
        for (beyond = 0, i = 0; i < 8; i++)
            beyond |= out[(how.cap > 0 ? how.cap : 0) * unit + i] != FENCE;
        printf("beyond=%d\nfloat=%d\nstack=%d\n", beyond, floats, changed);
        memmove(out_buffer, out, sizeof out_buffer - 8);
        if (length > 0 && length <= how.cap && place != NULL)
            write_result(out_buffer, length, unit);
        puts("");
        end_reply();
    }
    return 0;
}
