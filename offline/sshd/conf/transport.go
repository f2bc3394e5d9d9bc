package conf

// The names below matter for one question only: does sshd take a configured
// list, or does it refuse to start over an unknown name.

var cipherNames = []named{
	{"3des-cbc", 0, 0},
	{"aes128-cbc", 0, 0},
	{"aes192-cbc", 0, 0},
	{"aes256-cbc", 0, 0},
	{"rijndael-cbc@lysator.liu.se", 0, 900},
	{"blowfish-cbc", 0, 706},
	{"cast128-cbc", 0, 706},
	{"arcfour", 0, 706},
	{"arcfour128", 0, 706},
	{"arcfour256", 0, 706},
	{"aes128-ctr", 0, 0},
	{"aes192-ctr", 0, 0},
	{"aes256-ctr", 0, 0},
	{"aes128-gcm@openssh.com", 602, 0},
	{"aes256-gcm@openssh.com", 602, 0},
	{"chacha20-poly1305@openssh.com", 605, 0},
}

func ciphers(v Version) []string { return at(v, cipherNames) }

var defaultCipherNames = []named{
	{"chacha20-poly1305@openssh.com", 605, 0},
	{"aes128-gcm@openssh.com", 1000, 0},
	{"aes256-gcm@openssh.com", 1000, 0},
	{"aes128-ctr", 0, 0},
	{"aes192-ctr", 0, 0},
	{"aes256-ctr", 0, 0},
	{"aes128-gcm@openssh.com", 602, 1000},
	{"aes256-gcm@openssh.com", 602, 1000},
}

func defaultCiphers(v Version) []string { return at(v, defaultCipherNames) }

var macNames = []named{
	{"hmac-sha1", 0, 0},
	{"hmac-sha1-96", 0, 0},
	{"hmac-sha2-256", 509, 0},
	{"hmac-sha2-512", 509, 0},
	{"hmac-md5", 0, 0},
	{"hmac-md5-96", 0, 0},
	{"hmac-ripemd160", 0, 706},
	{"hmac-ripemd160@openssh.com", 0, 706},
	{"umac-64@openssh.com", 407, 0},
	{"umac-128@openssh.com", 602, 0},
	{"hmac-sha1-etm@openssh.com", 602, 0},
	{"hmac-sha1-96-etm@openssh.com", 602, 0},
	{"hmac-sha2-256-etm@openssh.com", 602, 0},
	{"hmac-sha2-512-etm@openssh.com", 602, 0},
	{"hmac-md5-etm@openssh.com", 602, 0},
	{"hmac-md5-96-etm@openssh.com", 602, 0},
	{"hmac-ripemd160-etm@openssh.com", 602, 706},
	{"umac-64-etm@openssh.com", 602, 0},
	{"umac-128-etm@openssh.com", 602, 0},
}

func macs(v Version) []string { return at(v, macNames) }

var defaultMACNames = []named{
	{"umac-64-etm@openssh.com", 602, 0},
	{"umac-128-etm@openssh.com", 602, 0},
	{"hmac-sha2-256-etm@openssh.com", 602, 0},
	{"hmac-sha2-512-etm@openssh.com", 602, 0},
	{"hmac-sha1-etm@openssh.com", 602, 0},
	{"umac-64@openssh.com", 407, 0},
	{"umac-128@openssh.com", 602, 0},
	{"hmac-sha2-256", 509, 0},
	{"hmac-sha2-512", 509, 0},
	{"hmac-sha1", 0, 0},
}

func defaultMACs(v Version) []string { return at(v, defaultMACNames) }

var kexNames = []named{
	{"diffie-hellman-group1-sha1", 0, 0},
	{"diffie-hellman-group14-sha1", 0, 0},
	{"diffie-hellman-group14-sha256", 703, 0},
	{"diffie-hellman-group16-sha512", 703, 0},
	{"diffie-hellman-group18-sha512", 703, 0},
	{"diffie-hellman-group-exchange-sha1", 0, 0},
	{"diffie-hellman-group-exchange-sha256", 0, 0},
	{"ecdh-sha2-nistp256", 507, 0},
	{"ecdh-sha2-nistp384", 507, 0},
	{"ecdh-sha2-nistp521", 507, 0},
	{"curve25519-sha256", 704, 0},
	{"curve25519-sha256@libssh.org", 605, 0},
	{"sntrup4591761x25519-sha512@tinyssh.org", 800, 805},
	{"sntrup761x25519-sha512", 902, 0}, // 9.9; Debian 12 has it in 9.2
	{"sntrup761x25519-sha512@openssh.com", 805, 0},
	{"mlkem768x25519-sha256", 909, 0},
}

func kexes(v Version) []string { return at(v, kexNames) }

var defaultKexNames = []named{
	{"mlkem768x25519-sha256", 1000, 0},
	{"sntrup761x25519-sha512", 902, 0},
	{"sntrup761x25519-sha512@openssh.com", 900, 0},
	{"mlkem768x25519-sha256", 909, 1000},
	{"curve25519-sha256", 704, 0},
	{"curve25519-sha256@libssh.org", 605, 0},
	{"ecdh-sha2-nistp256", 507, 0},
	{"ecdh-sha2-nistp384", 507, 0},
	{"ecdh-sha2-nistp521", 507, 0},
	{"diffie-hellman-group-exchange-sha256", 0, 1000},
	{"diffie-hellman-group16-sha512", 703, 1000},
	{"diffie-hellman-group18-sha512", 703, 1000},
	{"diffie-hellman-group14-sha256", 703, 1000},
	{"diffie-hellman-group14-sha1", 0, 800},
}

func defaultKexes(v Version) []string { return at(v, defaultKexNames) }
