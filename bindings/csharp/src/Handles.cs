using Microsoft.Win32.SafeHandles;

namespace Wxlink
{
    // The runtime keeps a SafeHandle that a call uses from being freed until the call returns, also
    // if another thread disposes it, and frees one that was never disposed.

    /// <summary>A wx_client.</summary>
    internal sealed class ClientHandle : SafeHandleZeroOrMinusOneIsInvalid
    {
        private ClientHandle()
            : base(true)
        {
        }

        protected override bool ReleaseHandle()
        {
            NativeMethods.wx_client_free(handle);
            return true;
        }
    }

    /// <summary>A wx_options.</summary>
    internal sealed class OptionsHandle : SafeHandleZeroOrMinusOneIsInvalid
    {
        private OptionsHandle()
            : base(true)
        {
        }

        protected override bool ReleaseHandle()
        {
            NativeMethods.wx_options_free(handle);
            return true;
        }
    }

    /// <summary>A wx_result.</summary>
    internal sealed class ResultHandle : SafeHandleZeroOrMinusOneIsInvalid
    {
        private ResultHandle()
            : base(true)
        {
        }

        protected override bool ReleaseHandle()
        {
            NativeMethods.wx_result_free(handle);
            return true;
        }
    }
}
