package salesforce

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// mintID returns the 18-character id of an object's nth record. Ids of one object ascend with n.
func mintID(prefix string, n int) string {
	id := []byte(prefix + "5f0000000000")
	for i := len(id) - 1; n > 0; i-- {
		id[i] = base62[n%len(base62)]
		n /= len(base62)
	}
	return string(id) + checksum(string(id))
}

// parseID returns the 18-character form of an id of 15 or 18 characters.
func parseID(s string) (string, bool) {
	if len(s) != 15 && len(s) != 18 {
		return "", false
	}
	for i := range len(s) {
		if !letterOrDigit(s[i]) {
			return "", false
		}
	}
	if len(s) == 15 {
		return s + checksum(s), true
	}
	return s, checksum(s[:15]) == s[15:]
}

// checksum encodes which of the 15 characters are upper case, five to a character.
func checksum(id string) string {
	var sum [3]byte
	for chunk := range sum {
		var bits int
		for i := range 5 {
			if c := id[chunk*5+i]; 'A' <= c && c <= 'Z' {
				bits |= 1 << i
			}
		}
		sum[chunk] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits]
	}
	return string(sum[:])
}

func letterOrDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}
