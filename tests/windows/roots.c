/*
 * Adds a certificate in DER to the root certificates of the user: roots FILE
 *
 * Windows would ask the user; Wine does not.
 */
#include <windows.h>

#include <stdio.h>
#include <wincrypt.h>

int main(int argc, char **argv)
{
    static unsigned char der[65536];
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    HCERTSTORE store =
        CertOpenStore(CERT_STORE_PROV_SYSTEM_A, 0, 0, CERT_SYSTEM_STORE_CURRENT_USER, "ROOT");
    DWORD length;

    if (file == NULL || store == NULL) {
        fputs("usage: roots FILE\n", stderr);
        return 2;
    }
    length = (DWORD)fread(der, 1, sizeof der, file);
    if (!CertAddEncodedCertificateToStore(store, X509_ASN_ENCODING, der, length,
                                          CERT_STORE_ADD_ALWAYS, NULL) ||
        !CertCloseStore(store, 0)) {
        fprintf(stderr, "the certificate was not added: error %lu\n", GetLastError());
        return 1;
    }
    return 0;
}
