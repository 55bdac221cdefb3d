package sfclient

import "strings"

// checksumDigits are the characters of an Id's checksum, indexed by the five bits that each stands for.
const checksumDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"

// ID18 returns the 18-character form of a record's Id. An Id has 15 characters whose case matters, or 18, the
// last three of which encode that case. An Id of 18 characters whose letters were all folded to one case is
// restored; if case and checksum disagree in any other way, it is not an Id.
//
// https://help.salesforce.com/s/articleView?id=000385585
func ID18(id string) (string, bool) {
	if len(id) != 15 && len(id) != 18 {
		return "", false
	}
	for n := range len(id) {
		if c := id[n] | 0x20; (id[n] < '0' || id[n] > '9') && (c < 'a' || c > 'z') {
			return "", false
		}
	}
	whole := id[:15] + checksum(id[:15])
	if len(id) == 15 || id == whole {
		return whole, true
	}
	if id != strings.ToLower(id) && id != strings.ToUpper(id) {
		return "", false
	}
	return restore(id)
}

// checksum sets a bit for each capital letter, the first in the lowest place.
func checksum(id string) string {
	var sum [3]byte
	for group := range sum {
		bits := 0
		for n, c := range id[group*5 : group*5+5] {
			if c >= 'A' && c <= 'Z' {
				bits |= 1 << n
			}
		}
		sum[group] = checksumDigits[bits]
	}
	return string(sum[:])
}

// restore gives the letters the case that the checksum encodes.
func restore(id string) (string, bool) {
	text, sum := []byte(strings.ToLower(id[:15])), strings.ToUpper(id[15:])
	for n := range text {
		bits := strings.IndexByte(checksumDigits, sum[n/5])
		if bits >= 0 && bits>>(n%5)&1 == 1 && text[n] >= 'a' {
			text[n] -= 'a' - 'A'
		}
	}
	whole := string(text) + checksum(string(text))
	return whole, whole[15:] == sum
}
