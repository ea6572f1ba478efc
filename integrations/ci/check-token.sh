#!/bin/sh
# Ends with 0 if, and only if, the token is open. For the step of a pipeline that somebody has to let through.
#
# CARDEA_URL      https://cardea.example
# CARDEA_SERVICE  default_deploy
# CARDEA_ID       the user who lets it through
# CARDEA_AUTHKEY  an authkey with the permission `status`: a masked variable
# CARDEA_WAIT     seconds to wait for the holder to open it; 0 unless given
set -eu
: "${CARDEA_URL:?}" "${CARDEA_SERVICE:?}" "${CARDEA_ID:?}" "${CARDEA_AUTHKEY:?}"
left=${CARDEA_WAIT:-0}
# Every byte of the user id as %XX: curl's own encoding makes a space a plus sign, which is another user.
id=$(printf %s "$CARDEA_ID" | od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g')
while :; do
    # The authkey goes in by standard input: arguments can be read by everybody on the machine. The status code comes
    # after the body, so that one comparison looks at both. A failed call leaves something else than the one answer.
    answer=$(printf 'Authorization: apikey %s\n' "$CARDEA_AUTHKEY" |
        curl --silent --max-time 10 --header @- --write-out '%{http_code}' \
            "${CARDEA_URL%/}/token/status?id=$id&service=$CARDEA_SERVICE") || answer=
    case $answer in
    '{"status":1}200')
        echo "The token of $CARDEA_ID is open."
        exit 0
        ;;
    '{"status":2}200') reason="is closed" ;;
    '{"status":0}200') reason="is not enrolled" ;;
    '{"status":3}200') reason="must not be used now" ;;
    '{"status":4}200') reason="is blocked" ;;
    '') reason="cannot be asked for: there is no answer from the server" ;;
    *) reason="cannot be asked for: the call was refused" ;;
    esac
    [ "$left" -gt 0 ] || break
    step=5
    [ "$left" -ge "$step" ] || step=$left
    left=$((left - step))
    sleep "$step"
done
echo "The token of $CARDEA_ID $reason." >&2
exit 1
