# Functions for docs/windows-acceptance.md. In bash, from the root of the repository:
#
#   . docs/acceptance/lib.sh
#
# Everything is kept in ./acceptance: what is to be sent back in send/, keys and
# passwords in secret/, which is for you alone.

acceptance=${ACCEPTANCE:-$PWD/acceptance}
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tags='Tags=[{Key=regain-acceptance,Value=yes}]'
mkdir -p "$acceptance/send" "$acceptance/ids"
mkdir -p -m 700 "$acceptance/secret"

# image NAME: the newest of AWS's Windows images of that name.
image() { aws ssm get-parameter --name "/aws/service/ami-windows-latest/$1" --query Parameter.Value --output text; }

# id LABEL: the instance that was launched under that label.
id() { cat "$acceptance/ids/$1"; }

# address LABEL: its public address, which is another after each stop.
address() { aws ec2 describe-instances --instance-ids "$(id "$1")" --query 'Reservations[0].Instances[0].PublicIpAddress' --output text; }

# launch LABEL AMI [OPTION...]: launches an instance, and waits until Systems Manager reaches it.
launch() {
	local label=$1 image=$2
	shift 2
	aws ec2 run-instances --image-id "$image" --instance-type "${TYPE:-t3.large}" --key-name regain-acceptance \
		--iam-instance-profile Name=regain-acceptance --subnet-id "$SUBNET" --security-group-ids "$GROUP" --associate-public-ip-address \
		--tag-specifications "ResourceType=instance,$tags" "ResourceType=volume,$tags" \
		--query 'Instances[0].InstanceId' --output text "$@" >"$acceptance/ids/$label" || return
	online "$label" && echo "$label is $(id "$label")"
}

# online LABEL: waits until Systems Manager reaches the instance: at most 20 minutes.
online() {
	local n
	for n in $(seq 80); do
		case $(aws ssm describe-instance-information --filters "Key=InstanceIds,Values=$(id "$1")" \
			--query 'InstanceInformationList[0].PingStatus' --output text) in Online) return 0 ;; esac
		sleep "${PAUSE:-15}"
	done
	echo "$1 is not reached by Systems Manager" >&2
	return 1
}

# stopped LABEL, started LABEL: in order, never by force.
stopped() {
	aws ec2 stop-instances --instance-ids "$(id "$1")" >/dev/null && aws ec2 wait instance-stopped --instance-ids "$(id "$1")"
}
started() {
	aws ec2 start-instances --instance-ids "$(id "$1")" >/dev/null && aws ec2 wait instance-running --instance-ids "$(id "$1")" && online "$1"
}

# on LABEL SCRIPT NAME [LINE...]: runs a script on the instance, with the lines before
# it, and keeps what it says in send/NAME.txt.
on() {
	local id file=$2 name=$3 command status
	id=$(id "$1")
	shift 3
	{
		printf '%s\n' "$@"
		cat "$file"
	} | python3 -c 'import json, sys; json.dump({"commands": sys.stdin.read().splitlines()}, sys.stdout)' >"$acceptance/parameters.json"
	command=$(aws ssm send-command --instance-ids "$id" --document-name "${DOCUMENT:-AWS-RunPowerShellScript}" \
		--parameters "file://$acceptance/parameters.json" --query Command.CommandId --output text) || return
	while sleep "${PAUSE:-5}"; do
		status=$(aws ssm get-command-invocation --command-id "$command" --instance-id "$id" --query Status --output text 2>/dev/null)
		case $status in Success | Failed | Cancelled | TimedOut) break ;; esac
	done
	aws ssm get-command-invocation --command-id "$command" --instance-id "$id" \
		--query '[StandardOutputContent,StandardErrorContent]' --output text >"$acceptance/send/$name.txt"
	echo "$name: $status, $(wc -l <"$acceptance/send/$name.txt") lines"
	[ "$status" = Success ]
}

# facts LABEL NAME: what Windows says of itself; changes nothing there.
facts() { on "$1" "$scripts/facts.ps1" "$2"; }

# console LABEL NAME: the console's output, as EC2 has it now.
console() { aws ec2 get-console-output --instance-id "$(id "$1")" --latest --query Output --output text >"$acceptance/send/$2.console.txt"; }

# told LABEL NAME: when EC2 was last told a password. The password itself is not kept.
told() { aws ec2 get-password-data --instance-id "$(id "$1")" --query '[Timestamp,length(PasswordData)]' --output text >"$acceptance/send/$2.told.txt"; }

# reset LABEL NAME [FLAG...]: regain reset, without a backup unless a flag asks for one.
reset() {
	local label=$1 name=$2 backup=(--backup none)
	shift 2
	case " $* " in *" --backup "*) backup=() ;; esac
	regain reset "$(id "$label")" --yes --json --accept-ip-change "${backup[@]}" "$@" \
		>"$acceptance/send/$name.reset.json" 2>"$acceptance/send/$name.reset.err"
	echo "$name: regain reset ended with $?" | tee "$acceptance/send/$name.reset.exit"
}

# password LABEL NAME KEYFILE [FLAG...]: regain password, into secret/NAME.password; the rest into send/.
password() {
	(umask 077 && regain password "$(id "$1")" --key "$3" "${@:4}" >"$acceptance/secret/$2.password" 2>"$acceptance/send/$2.password.err")
	echo "$2: regain password ended with $?" | tee "$acceptance/send/$2.password.exit"
	console "$1" "$2"
	told "$1" "$2"
}

# rdp LABEL NAME USER: tries the password by Remote Desktop, and says whether it was taken.
rdp() {
	xfreerdp "/v:$(address "$1")" "/u:$3" /d:. /from-stdin:force /cert:ignore +auth-only <"$acceptance/secret/$2.password" \
		>"$acceptance/secret/$2.rdp.log" 2>&1
	echo "$2: Remote Desktop as $3 ended with $?" | tee "$acceptance/send/$2.rdp.exit"
}

# bench COMMAND...: runs a command on the bench, the Ubuntu that looks at copies.
bench() {
	ssh -i "$acceptance/secret/key.pem" -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile="$acceptance/known_hosts" \
		"ubuntu@$(address bench)" "$@"
}

# equip: puts the agent and the scripts on the bench.
equip() {
	tar -C "$scripts" -cf - bench.sh hives.py seek.py | bench tar xf - && bench 'cat >regain-agent && chmod +x regain-agent' <"$1" &&
		bench sudo apt-get install -qy ntfs-3g attr
}

# root LABEL: the instance's root volume.
root() {
	local name
	name=$(aws ec2 describe-instances --instance-ids "$(id "$1")" --query 'Reservations[0].Instances[0].RootDeviceName' --output text)
	aws ec2 describe-instances --instance-ids "$(id "$1")" --output text \
		--query "Reservations[0].Instances[0].BlockDeviceMappings[?DeviceName=='$name'].Ebs.VolumeId | [0]"
}

# copied LABEL: gives the bench a copy of the root volume of an instance that is
# stopped, and prints the copy's id.
copied() {
	local snapshot zone volume
	snapshot=$(aws ec2 create-snapshot --volume-id "$(root "$1")" --tag-specifications "ResourceType=snapshot,$tags" --query SnapshotId --output text) || return
	aws ec2 wait snapshot-completed --snapshot-ids "$snapshot" || return
	zone=$(aws ec2 describe-instances --instance-ids "$(id bench)" --query 'Reservations[0].Instances[0].Placement.AvailabilityZone' --output text)
	volume=$(aws ec2 create-volume --snapshot-id "$snapshot" --availability-zone "$zone" --volume-type gp3 \
		--tag-specifications "ResourceType=volume,$tags" --query VolumeId --output text) || return
	aws ec2 wait volume-available --volume-ids "$volume" || return
	aws ec2 attach-volume --volume-id "$volume" --instance-id "$(id bench)" --device /dev/sdf >/dev/null || return
	aws ec2 wait volume-in-use --volume-ids "$volume" || return
	aws ec2 delete-snapshot --snapshot-id "$snapshot" >/dev/null
	echo "$volume"
}

# dropped VOLUME: takes a copy from the bench, and deletes it.
dropped() {
	aws ec2 detach-volume --volume-id "$1" >/dev/null && aws ec2 wait volume-available --volume-ids "$1" && aws ec2 delete-volume --volume-id "$1"
}

# pack: refuses if a password stands in what would be sent, takes out the account's
# number and addresses, and makes acceptance.tar.gz.
pack() {
	local secret
	for secret in "$acceptance"/secret/*.password; do
		if [ -s "$secret" ] && grep -rqFf "$secret" "$acceptance/send"; then
			echo "the password of $secret stands in: $(grep -rlFf "$secret" "$acceptance/send")" >&2
			return 1
		fi
	done
	find "$acceptance/send" -type f -exec sed -E -i \
		-e "s/$(aws sts get-caller-identity --query Account --output text)/123456789012/g" \
		-e 's/\b([0-9]{1,3}\.){3}[0-9]{1,3}\b/192.0.2.1/g' {} +
	tar -C "$acceptance" -czf "$acceptance.tar.gz" send && echo "send $acceptance.tar.gz"
}
