// Triggers an event with the real alloy-node, whose host is fixed in its code, and prints what its caller sees.
"use strict";
const Alloy = require("alloy-node");

const main = async () => {
  const alloy = new Alloy("any");
  await alloy.identify("ada");
  return { userId: alloy.userId, answer: await alloy.event("welcome", { plan: "pro" }) };
};

main().then(
  (seen) => console.log(JSON.stringify(seen)),
  (error) => console.log(JSON.stringify({ error: String(error) })),
);
