import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { Dialogs } from "../../static/chat/dialogs.js";

const tea = { key: "g:tea" };
let dialogs, drawn;

beforeEach(() => {
  drawn = 0;
  dialogs = new Dialogs(() => { drawn += 1; });
});

describe("a dialog about a room", () => {
  beforeEach(() => dialogs.open("leave", tea));

  test("keeps it, wherever one goes meanwhile", () => {
    dialogs.change({ filter: "b" });
    assert.equal(dialogs.current.room, tea);
  });

  test("stays while the room is there, and closes when it is gone", () => {
    dialogs.keepIf(() => true);
    assert.deepEqual([dialogs.current.name, drawn], ["leave", 1]);
    dialogs.keepIf((room) => room !== tea);
    assert.deepEqual([dialogs.current, drawn], [null, 2]);
  });

  test("that is closed already is no matter any more", () => {
    dialogs.close();
    dialogs.keepIf(() => false);
    assert.deepEqual([dialogs.current, drawn], [null, 2]);
  });
});

test("a dialog about no room stays", () => {
  dialogs.open("settings");
  dialogs.keepIf(() => false);
  assert.equal(dialogs.current.name, "settings");
});
