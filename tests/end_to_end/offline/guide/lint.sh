# Lints a contract of which a page shows a part: `lint.sh INDENT BEFORE AFTER`, the part being `part.yaml` here, so much further
# in. BEFORE and AFTER are what stands above and below it, as printf takes them; the contract is left in `one.odcs.yaml`.
set -eu
{
    printf 'apiVersion: v3.1.0\nkind: DataContract\nid: one\nversion: 1.0.0\n'
    grep -q '^status:' part.yaml || echo 'status: active'
    printf "${2-}"
    sed "s/^/$1/" part.yaml
    printf "${3-}"
} >one.odcs.yaml
polder contract lint one.odcs.yaml | grep -F "0 errors, 0 warnings"
