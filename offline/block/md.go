package block

import (
	"encoding/binary"
	"fmt"
)

// MDInfo is what one member of a Linux software RAID says about its array.
type MDInfo struct {
	ArrayUUID  string
	DeviceUUID string // blkid's UUID_SUB; 1.x only
	Name       string // 1.x only
	Level      int    // 0, 1, 4, 5, 6, 10; -1 linear, -4 multipath
	Disks      int    // devices of the whole array
	Role       int    // slot in the array; -1 spare or faulty
	DataOffset int64  // bytes before the member's data
	DataSize   int64  // bytes of data, 0 if unknown
}

const (
	mdMagic       = 0xa92b4efc
	mdReserved    = 64 << 10 // 0.90: the superblock stands in the last aligned 64 KiB
	md1HeaderSize = 256
	md1MaxRoles   = 1920 // 4 KiB superblock, the kernel's limit
	md1RoleSpare  = 0xff00
	md090Size     = 4096
	md090Devices  = 27
	md090ThisDisk = 992 * 4
)

func probeMD(s *source) *Superblock {
	if sb := md090(s, binary.LittleEndian); sb != nil {
		return sb
	}
	if sb := md090(s, binary.BigEndian); sb != nil {
		return sb
	}
	end := (s.size>>9 - 16) &^ 7 << 9
	for minor, off := range []int64{end, 0, 4096} {
		if sb := md1(s, off, minor); sb != nil {
			return sb
		}
	}
	return nil
}

// md090 reads a superblock of version 0.90, which is in the byte order of the
// machine that made the array.
func md090(s *source, order binary.ByteOrder) *Superblock {
	off := s.size&^(mdReserved-1) - mdReserved
	b := s.bytes(off, md090Size)
	if b == nil || order.Uint32(b) != mdMagic || order.Uint32(b[4:]) != 0 {
		return nil
	}
	word := func(i int) uint32 { return order.Uint32(b[i:]) }
	var uuid []byte
	for _, at := range []int{20, 52, 56, 60} {
		uuid = binary.BigEndian.AppendUint32(uuid, word(at))
	}
	role := int(int32(word(md090ThisDisk + 12)))
	if role < 0 || role >= md090Devices {
		role = -1
	}
	sb := &Superblock{
		Type: LinuxRAID, Version: fmt.Sprintf("%d.%d.%d", word(4), word(8), word(12)),
		UUID: uuidString(uuid), DirtyKnown: true,
		MD: &MDInfo{
			ArrayUUID: uuidString(uuid), Level: int(int32(word(28))), Disks: int(int32(word(40))),
			Role: role, DataSize: product(uint64(word(32)), 1024),
		},
	}
	if word(132)&1 == 0 {
		sb.markDirty("the array was not stopped")
	}
	return sb
}

// md1 reads a superblock of version 1.minor, if it stands at off and says so.
func md1(s *source, off int64, minor int) *Superblock {
	if off < 0 {
		return nil
	}
	b := s.bytes(off, md1HeaderSize)
	if b == nil || le32(b, 0) != mdMagic || le32(b, 4) != 1 || le64(b, 144) != uint64(off>>9) {
		return nil
	}
	sb := &Superblock{
		Type: LinuxRAID, Version: fmt.Sprintf("1.%d", minor),
		UUID: uuidString(b[16:32]), Label: cstring(b[32:64]), DirtyKnown: true,
		MD: &MDInfo{
			ArrayUUID: uuidString(b[16:32]), DeviceUUID: uuidString(b[168:184]),
			Name: cstring(b[32:64]), Level: int(int32(le32(b, 72))), Disks: int(int32(le32(b, 92))),
			DataOffset: product(le64(b, 128), 512), DataSize: product(le64(b, 136), 512), Role: -1,
		},
	}
	md1Roles(s, off, b, sb)
	if le64(b, 208) != 1<<64-1 {
		sb.markDirty("the array was not stopped, or is not in sync")
	}
	return sb
}

// md1Roles reads the role table behind the header and verifies the sum over
// both.
func md1Roles(s *source, off int64, b []byte, sb *Superblock) {
	count, self := int64(le32(b, 220)), le32(b, 160)
	if count > md1MaxRoles {
		sb.warn(fmt.Sprintf("superblock lists %d devices", count))
		return
	}
	all := s.bytes(off, md1HeaderSize+2*count)
	if all == nil || md1Sum(all) != le32(b, 216) {
		sb.warn("superblock checksum does not match")
	}
	if all == nil || int64(self) >= count {
		return
	}
	if role := le16(all, md1HeaderSize+2*int(self)); role < md1RoleSpare {
		sb.MD.Role = int(role)
	}
}

// md1Sum adds all 32-bit words but the sum itself and folds the carry in.
func md1Sum(b []byte) uint32 {
	var sum uint64
	for i := 0; i+4 <= len(b); i += 4 {
		if i != 216 {
			sum += uint64(le32(b, i))
		}
	}
	if len(b)%4 == 2 {
		sum += uint64(le16(b, len(b)-2))
	}
	return uint32(sum&0xffffffff) + uint32(sum>>32)
}
