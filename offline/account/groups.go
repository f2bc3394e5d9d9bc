package account

import "fmt"

// GIDs returns the gids of a session of the user: the primary one first, then those of the groups that list the name, in
// file order, each once (initgroups).
func (db *DB) GIDs(u User) []uint32 {
	gids := []uint32{u.GID}
	seen := map[uint32]bool{u.GID: true}
	for _, i := range db.memberOf[u.Name] {
		if g := db.groups[i].GID; !seen[g] {
			seen[g] = true
			gids = append(gids, g)
		}
	}
	return gids
}

// Groups returns the names of the groups of a user, as sshd's AllowGroups and Match Group see them: the name of each gid of
// GIDs that has one (groupaccess.c ga_init goes from gid to name). An unknown user has none.
func (db *DB) Groups(name string) []string {
	u, err := db.User(name)
	if err != nil {
		return nil
	}
	var names []string
	for _, gid := range db.GIDs(u) {
		if i, ok := db.groupByGID[gid]; ok {
			names = append(names, db.groups[i].Name)
		}
	}
	return names
}

// GroupUsers returns everybody in a group: the users whose primary gid it is, in file order, then the members that its
// group lines list, each once. Listed names need not exist.
func (db *DB) GroupUsers(gid uint32) []string {
	var names []string
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	for _, i := range db.primary[gid] {
		add(db.users[i].Name)
	}
	for i := range db.groups {
		if db.groups[i].GID == gid {
			for _, m := range db.groups[i].Members {
				add(m)
			}
		}
	}
	return names
}

// PrivateGroup reports whether nobody but the owner of the uid belongs to the group, which is when Debian's sshd takes
// group write for harmless (patch user-group-modes). It compares uids, so that a second name for the same uid does not
// matter. Text says who else belongs to it, or why there is no answer from the files: a group without a line or without
// members counts as shared.
func (db *DB) PrivateGroup(gid, uid uint32) (private bool, text string) {
	g, ok := db.groupByGID[gid]
	if !ok {
		return false, fmt.Sprintf("gid %d has no group line", gid)
	}
	for _, i := range db.primary[gid] {
		if db.users[i].UID != uid {
			return false, fmt.Sprintf("%.64q has it as primary group", db.users[i].Name)
		}
	}
	members := db.groups[g].Members
	if len(members) > 1 {
		return false, fmt.Sprintf("it has %d listed members", len(members))
	}
	if len(members) == 1 {
		if i, ok := db.userByName[members[0]]; !ok || db.users[i].UID != uid {
			return false, fmt.Sprintf("%.64q is a listed member", members[0])
		}
	}
	if len(db.primary[gid])+len(members) == 0 {
		return false, "it has no members"
	}
	return true, ""
}

// ByUID returns all users of a uid in file order, for machines on which several names share one.
func (db *DB) ByUID(uid uint32) []User {
	if _, ok := db.userByUID[uid]; !ok {
		return nil
	}
	var users []User
	for _, u := range db.users {
		if u.UID == uid {
			users = append(users, u)
		}
	}
	return users
}
