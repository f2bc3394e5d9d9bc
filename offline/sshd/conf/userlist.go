package conf

import "strings"

// MatchUser matches a user against one pattern of AllowUsers or DenyUsers, which
// may be USER@HOSTS (sshd: match.c match_user). Empty host or address means
// unknown; the answer is Maybe where it depends on them. An empty user only
// checks the pattern; a pattern that sshd refuses is an error.
func MatchUser(user, host, address, pattern string, v Version) (Tri, error) {
	cut := strings.IndexByte(pattern, '@')
	if v.AtLeast(9, 9) {
		cut = strings.LastIndexByte(pattern, '@')
	}
	if cut < 0 {
		return triOf(user != "" && MatchPattern(user, pattern)), nil
	}
	hosts := pattern[cut+1:]
	if _, err := MatchAddress("", hosts); err != nil {
		return No, err
	}
	if user == "" || !MatchPattern(user, pattern[:cut]) {
		return No, nil
	}
	return matchHostAndAddress(host, address, hosts), nil
}

func matchHostAndAddress(host, address, hosts string) Tri {
	byAddress, negated := triAddress(address, hosts)
	if negated {
		return No
	}
	byHost, negated := triHost(host, hosts)
	if negated {
		return No
	}
	anyNegated := strings.HasPrefix(hosts, "!") || strings.Contains(hosts, ",!")
	switch {
	case byAddress == No && byHost == No:
		return No
	case (address == "" || host == "") && anyNegated:
		return Maybe
	case byAddress == Yes || byHost == Yes:
		return Yes
	}
	return Maybe
}

func triAddress(address, list string) (match Tri, negated bool) {
	if address == "" {
		return addressOfUnknown(list), false
	}
	n, _ := MatchAddress(address, list) // the list was checked before
	return triOf(n == 1), n == -1
}

func triHost(host, list string) (match Tri, negated bool) {
	if host == "" {
		return listOfUnknown(withoutNetworks(list)), false
	}
	n := MatchList(asciiLower(host), list, true)
	return triOf(n == 1), n == -1
}

// withoutNetworks leaves out what no name can match: addresses and networks.
func withoutNetworks(list string) string {
	var out []string
	for entry := range strings.SplitSeq(list, ",") {
		if _, kind := parseNetwork(strings.TrimPrefix(entry, "!")); kind != isNetwork {
			out = append(out, entry)
		}
	}
	return strings.Join(out, ",")
}
