# Completion of switchroomctl for fish: methods, their keys, rooms and calls are asked from the gateway.
function __switchroomctl_complete
    set -l words (commandline -opc)
    # As the program gets it: without quotes, also one that is still open, and backslashes.
    set -l typed (commandline -ct)
    set -l current (string unescape -- $typed; or string replace -r '^["\']|(?<==)["\']' '' -- $typed)
    if string match -q '*=@*' -- $current
        set -l rest (string replace -r '.*?=@' '' -- $current)
        for file in $rest*
            test -d $file; and set file $file/
            echo -- (string replace -r '=@.*' =@ -- $current)$file
        end
        return
    end
    # Flags such as --url tell the program where to ask.
    set -l connection
    for i in (seq 2 (count $words))
        switch $words[$i]
            case --url --token --api-key --api-secret --config --ca-file
                set -a connection $words[$i] (string replace -r '^~/' "$HOME/" -- $words[(math $i + 1)])
            case '--url=*' '--token=*' '--api-key=*' '--api-secret=*' '--config=*' '--ca-file=*' --insecure
                set -a connection $words[$i]
        end
    end
    # Fish ends a word by itself, but for "=" and "." at its end.
    command $words[1] $connection --timeout 3 complete -- "$current" $words[2..] 2>/dev/null | string trim --right
end

complete -c switchroomctl -f -a '(__switchroomctl_complete)'
for flag in config ca-file output
    complete -c switchroomctl -l $flag -r -F
end
for flag in url token api-key api-secret room identity name ttl timeout
    complete -c switchroomctl -l $flag -x
end
complete -c switchroomctl -l grant -x -a 'roomJoin roomAdmin roomCreate roomList sip.call sip.admin canPublish canSubscribe all'
