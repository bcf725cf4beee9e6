// How many are unread, where there is little room.

export const upTo99 = (count) => (count > 99 ? "99+" : count);
