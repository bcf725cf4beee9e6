from flask_login import UserMixin
from werkzeug.security import check_password_hash, generate_password_hash

from . import db, login


class User(UserMixin, db.Model):
    id = db.Column(db.Integer, primary_key=True)
    email = db.Column(db.String(120), unique=True, nullable=False)
    name = db.Column(db.String(80), nullable=False)
    avatar = db.Column(db.String(200))
    role = db.Column(db.String(20), nullable=False, default="customer")
    active = db.Column(db.Boolean, nullable=False, default=True)
    password = db.Column(db.String(200), nullable=False)
    orders = db.relationship("Order", backref="customer", order_by="Order.id")

    @property
    def is_active(self):
        return self.active

    def set_password(self, password):
        self.password = generate_password_hash(password)

    def has_password(self, password):
        return check_password_hash(self.password, password)


class Product(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    name = db.Column(db.String(80), nullable=False)
    about = db.Column(db.Text, nullable=False)
    cents = db.Column(db.Integer, nullable=False)


class Order(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    user_id = db.Column(db.Integer, db.ForeignKey("user.id"), nullable=False)
    product_id = db.Column(db.Integer, db.ForeignKey("product.id"), nullable=False)
    product = db.relationship("Product")


@login.user_loader
def load_user(uid):
    return db.session.get(User, int(uid))


def fill():
    """Something to look at, for the first start."""
    db.create_all()
    if db.session.query(User).first():
        return
    for name, role in (("Ada", "customer"), ("Ben", "customer"), ("Cleo", "staff")):
        user = User(email=f"{name.lower()}@shop.example", name=name, role=role, avatar=f"/static/{name.lower()}.svg")
        user.set_password("correct-horse")
        db.session.add(user)
    for name, cents in (("Teapot", 2900), ("Cup", 900), ("Kettle", 4900)):
        db.session.add(Product(name=name, about=f"A {name.lower()} for every day.", cents=cents))
    db.session.commit()
