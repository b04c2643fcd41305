#!/bin/sh
# Run by the image's entrypoint before nginx: a wrong setting stops the container with one line that names it.
set -eu

check() {
    if [ -n "$3" ] && ! printf '%s' "$3" | grep -Eqx "$2"; then
        echo "configuration error: $1: must be $4, not '$3'" >&2
        exit 1
    fi
}

url='https?://[A-Za-z0-9._~:/-]+'
check PUBLIC_API_URL "$url" "$PUBLIC_API_URL" "an address such as https://api.example.com"
check PUBLIC_CHECKOUT_URL "$url" "$PUBLIC_CHECKOUT_URL" "an address such as https://pay.example.com"
